"""What the hub's process needs of the C library and of its event loop."""
