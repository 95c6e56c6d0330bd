"""The keys of a cloud-config: where they belong and which values they take."""
