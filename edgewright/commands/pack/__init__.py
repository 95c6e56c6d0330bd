"""Verbs about packs."""
