"""Keys and secrets of the hub."""
