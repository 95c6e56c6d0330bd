"""Events and audit entries."""
