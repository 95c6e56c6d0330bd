"""Cluster profiles in the hub: tables, memory, stored form, documents."""
