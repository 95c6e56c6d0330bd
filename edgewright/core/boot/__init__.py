"""Boot slots of a host: which one runs and why, and what can be done about it."""
