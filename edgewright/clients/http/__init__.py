"""HTTP to a plane: transport, request budget, change stream, TLS, errors."""
