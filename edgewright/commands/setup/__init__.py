"""Verbs about this installation: settings, external programs, completion."""
