"""Builds of installers: list, one build, its log."""
