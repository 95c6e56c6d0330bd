"""SSH keys: list and detail."""
