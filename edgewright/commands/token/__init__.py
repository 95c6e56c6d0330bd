"""Verbs about registration tokens."""
