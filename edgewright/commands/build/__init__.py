"""Verbs about builds."""
