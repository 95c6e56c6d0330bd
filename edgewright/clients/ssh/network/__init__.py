"""Network settings of a host over SSH: read in one round trip, changed by the host itself, given back by its timer."""
