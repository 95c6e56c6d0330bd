"""Logs of hosts over SSH: read by the command line, followed by the console, saved to a file."""
