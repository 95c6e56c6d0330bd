"""A hub on this machine: start, stop, addresses."""
