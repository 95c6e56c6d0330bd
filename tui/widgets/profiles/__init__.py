"""Drawings of cluster profiles: the stack of layers, two texts side by side."""
