"""Cluster profiles and macros over the API."""
