"""Registries: where packs come from."""
