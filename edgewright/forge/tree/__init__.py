"""Kubernetes trees: inputs, images, build."""
