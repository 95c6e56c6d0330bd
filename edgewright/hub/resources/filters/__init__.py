"""Tag filters: named conditions on tags, of the tenant."""
