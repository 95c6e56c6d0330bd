"""One host: overview, logs, disk usage."""
