"""Verbs about events and audit entries."""
