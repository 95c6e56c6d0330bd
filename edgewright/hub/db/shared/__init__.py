"""What lets several hub processes write to one database: locks, unique names, replays, leases."""
