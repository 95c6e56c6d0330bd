"""What runs in a cluster: pods, deployments, services, nodes, events and machines, from the API of the cluster."""
