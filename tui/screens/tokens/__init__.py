"""Registration tokens: list and one token."""
