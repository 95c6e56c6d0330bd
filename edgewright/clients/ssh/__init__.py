"""A host over SSH: its address, its host key, the methods of authentication, and scripts over one connection."""
