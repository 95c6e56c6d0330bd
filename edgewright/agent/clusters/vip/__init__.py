"""The virtual IP address of the API: keepalived, its check, and who has it."""
