"""Packs: the layers that profiles are made of."""
