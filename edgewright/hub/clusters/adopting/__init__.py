"""Clusters that hosts run and that the plane does not have so: how they are shown, and taken over (P106)."""
