"""The hub's resources, one folder for each; none imports another."""
