"""Builds for the box: user-data, the base, installer ISOs, provider images, and the proof that they boot."""
