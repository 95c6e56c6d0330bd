"""What may stand in a cloud-config (user-data), what its values must keep to, how two are merged, and CanvOS's `.arg`."""
