"""The desired state of the host."""
