"""Verbs about what runs in clusters, over the direct route or the relay."""
