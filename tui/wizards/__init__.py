"""Guided paths, each a renderer of a schema. Empty room until the forge."""
