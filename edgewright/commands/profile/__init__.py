"""Verbs about cluster profiles."""
