"""Logs of hosts over SSH: one script that follows, and what it prints as entries."""
