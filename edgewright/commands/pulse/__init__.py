"""Verbs of the start screen and its text form."""
