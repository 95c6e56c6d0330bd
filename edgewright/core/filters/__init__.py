"""Filters of lists: their grammar, their fields, and Palette's older dialect."""
