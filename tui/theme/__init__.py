"""Themes: files and their use by the app."""
