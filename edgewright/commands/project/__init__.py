"""Verbs about projects."""
