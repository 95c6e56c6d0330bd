"""Verbs about sites over SSH: for when nothing else answers."""
