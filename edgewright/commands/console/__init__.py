"""Verbs, navigation and live feed of the console."""
