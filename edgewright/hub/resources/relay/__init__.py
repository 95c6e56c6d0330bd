"""The relay: streams of clients to ports of a cluster's hosts (rule P30)."""
