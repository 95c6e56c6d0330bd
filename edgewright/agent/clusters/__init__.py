"""What a host does for a cluster: from a document to a running node, step by step."""
