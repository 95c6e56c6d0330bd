"""The embedded plane: Palette's edge API on a database of its own."""
