"""Verbs about users."""
