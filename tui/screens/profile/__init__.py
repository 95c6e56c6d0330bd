"""Cluster profiles: the list, one version, its layers, what it resolves to, and two versions compared."""
