"""Settings of a cluster that hosts do not have: a change that waits, and what is only stored."""
