"""Keys of hosts: lines of known_hosts, certificates, keys that the plane has, and the verdict on what a host shows."""
