"""Content of a cluster on this host: the store, its sources, and the local read-only registry."""
