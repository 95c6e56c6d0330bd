"""The machine below Kubernetes: tree, links, units, kernel settings, container runtime, preloaded images."""
