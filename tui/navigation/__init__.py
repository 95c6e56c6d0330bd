"""Which screen is in front: views, dialogs, paths, history."""
