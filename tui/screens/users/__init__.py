"""Users: list and detail."""
