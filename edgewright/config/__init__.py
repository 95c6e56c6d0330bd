"""Settings, locations, contexts, key map and credentials."""
