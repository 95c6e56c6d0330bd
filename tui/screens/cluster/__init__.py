"""Clusters: the list, and one cluster while it forms and afterwards."""
