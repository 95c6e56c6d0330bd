"""What the agent finds out about its host; every reader takes a `Root`, so that tests can make hosts up."""
