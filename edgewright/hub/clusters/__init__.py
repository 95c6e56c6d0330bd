"""Clusters in the hub: tables, memory, stored form, resolved documents, what is reported of them."""
