"""Edge hosts: identity, state and health, tags, operations, network cards."""
