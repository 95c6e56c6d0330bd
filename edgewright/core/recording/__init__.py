"""Recordings of terminals: what a secret is in the output of a terminal, and the file (asciicast v2)."""
