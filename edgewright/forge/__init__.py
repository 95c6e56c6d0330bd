"""Builds installers, images and bundles. Empty room: its contract stands, the forge itself comes with its own issue."""
