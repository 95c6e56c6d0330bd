"""Builds what goes on the box: user-data, the base, installer ISOs, provider images, and the proof that they boot."""
