"""Network settings in user-data."""
