"""From a key, a palette entry or a typed command to a verb."""
