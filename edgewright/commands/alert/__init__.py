"""Verbs about problems and receivers of alerts."""
