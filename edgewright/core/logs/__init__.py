"""Lines of logs: what is in them, in which order they happened, and which of them are wanted."""
