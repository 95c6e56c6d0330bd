"""SSH public keys of a project or the tenant, offered where a host gets its users."""
