"""Verbs of the forge: user-data, bases, ISOs, images, flash, proof."""
