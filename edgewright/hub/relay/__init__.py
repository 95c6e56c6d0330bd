"""What hosts, clusters and the relay share: streams that wait for a host, and how a cluster was reached last."""
