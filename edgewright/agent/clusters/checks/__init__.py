"""What must be true before a cluster is formed: of this host, and between its members."""
