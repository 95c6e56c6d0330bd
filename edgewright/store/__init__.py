"""Event log, reducer, read model, cache, journal, record and replay."""
