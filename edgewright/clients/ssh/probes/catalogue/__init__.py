"""The probes as data, by subject; `edgewright.clients.ssh.probes.sets` puts them together."""
