"""The revisions, one module each; the newest is the only head."""
