"""A cloud-config (user-data): its keys, what its values keep to, how two are merged; and the `.arg` of CanvOS."""
