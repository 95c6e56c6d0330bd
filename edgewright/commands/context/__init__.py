"""Verbs about contexts."""
