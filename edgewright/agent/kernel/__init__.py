"""The agent's loop and what it needs: state on disk, settings, signals, operations."""
