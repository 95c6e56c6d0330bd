"""Clusters over the API: Palette's edge-native resources, and the calls of hosts."""
