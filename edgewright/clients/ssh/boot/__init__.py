"""The boot slots of a host over SSH: read, the active slot again, reset."""
