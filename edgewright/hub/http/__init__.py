"""HTTP of the hub: protocol bounds, routing, request bodies, problems, authentication."""
