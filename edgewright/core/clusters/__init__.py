"""Clusters: rules that plane and host decide the same way. Standard library only, Python 3.9+."""
