"""What the hub has in memory: records, search, rendered documents, change stream."""
