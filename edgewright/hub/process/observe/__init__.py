"""What a hub reports to monitoring: metrics in Prometheus' text format, and whether it is alive and may serve."""
