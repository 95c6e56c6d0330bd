"""Verbs about roles."""
