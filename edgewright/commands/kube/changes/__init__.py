"""Actions that change what runs in a cluster: replicas, rollouts, single objects."""
