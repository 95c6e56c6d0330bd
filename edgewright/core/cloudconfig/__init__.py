"""A cloud-config (user-data): its keys, what its values must match, how two are merged; and the `.arg` of CanvOS."""
