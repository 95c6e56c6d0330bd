"""The hub itself: health, features, change stream, agent version."""
