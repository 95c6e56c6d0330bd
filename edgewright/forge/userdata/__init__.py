"""User-data files: read and written, checked against the network and the plane, merged, kept with their comments."""
