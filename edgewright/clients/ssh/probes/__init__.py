"""The closed catalogue of probes over plain SSH: what may be read from a host that has sshd and a POSIX shell only."""
