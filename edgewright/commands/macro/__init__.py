"""Verbs about macros."""
