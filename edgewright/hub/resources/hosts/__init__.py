"""Edge hosts: registration, heartbeat, health, search."""
