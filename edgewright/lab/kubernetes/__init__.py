"""Kubernetes for the lab: parts from package registries, the tree made of them, a registry, hosts that can run it."""
