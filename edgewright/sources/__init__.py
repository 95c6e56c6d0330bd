"""Feeds: turn a client into events for the store."""
