"""Typed views over Palette's documents, one module per resource."""
