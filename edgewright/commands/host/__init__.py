"""Verbs about edge hosts."""
