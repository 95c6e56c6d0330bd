"""Files of a host over SSH: a closed set of places, read and replaced by plain shell."""
