"""The hub as a process: options, start, server, logs, backup, application."""
