"""Packs: versioned layers of a cluster profile, in Palette's pack format. Standard library only, Python 3.9+."""
