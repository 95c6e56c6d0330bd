"""Bodies of Palette's API by noun, written by tools/palette_bodies.py."""
