"""Verbs about tag filters."""
