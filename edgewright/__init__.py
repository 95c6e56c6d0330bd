"""Edgewright: a terminal operations console for edge Kubernetes fleets, and the system that it operates."""

__version__ = "0.2.0.dev0"
