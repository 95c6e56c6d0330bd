"""User-data files: read, written, checked against network and plane, merged, with their comments preserved."""
