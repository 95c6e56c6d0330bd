"""Blobs: content that desired state names by its digest."""
