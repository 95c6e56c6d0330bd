"""The first run: choose a plane, then the first steps with it."""
