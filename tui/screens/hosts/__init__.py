"""All hosts in one table."""
