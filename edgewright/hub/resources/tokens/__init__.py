"""Registration tokens."""
