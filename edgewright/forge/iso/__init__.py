"""Installer ISOs: what a base is, a new one with user-data in it, and whether what was written will boot."""
