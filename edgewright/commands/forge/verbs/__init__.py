"""Declarations of the verbs of the forge."""
