"""Loops of the hub that watch time, storage and integrity."""
