"""SSH public keys of a project or the tenant: stored and listed; nothing installs them on hosts yet."""
