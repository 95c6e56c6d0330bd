"""Installation of the agent: archive, systemd unit, files."""
