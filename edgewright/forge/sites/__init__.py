"""Many installers from one plan: a row for each site, its own user-data, a small seed ISO or a complete ISO."""
