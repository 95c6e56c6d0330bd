"""A recording, shown moment by moment."""
