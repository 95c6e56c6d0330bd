"""Verbs about SSH keys."""
