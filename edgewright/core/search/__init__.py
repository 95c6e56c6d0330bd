"""Palette's host search: its schema and its evaluation."""
