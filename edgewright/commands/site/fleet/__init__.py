"""One command on many hosts, and what was done over SSH."""
