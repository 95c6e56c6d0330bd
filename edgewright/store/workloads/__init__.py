"""Objects of Kubernetes as rows: what tables of pods, nodes, deployments, services, events and machines show."""
