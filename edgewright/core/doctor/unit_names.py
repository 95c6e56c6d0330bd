"""The units that rules know by name, by what they are for."""

from __future__ import annotations

AGENTS = frozenset({"edgewright-agent", "spectro-stylus-agent", "stylus-agent", "palette-agent"})
RUNTIMES = frozenset({"containerd", "edgewright-containerd", "crio", "docker"})
KUBELETS = frozenset({"kubelet", "k3s", "k3s-agent", "rke2-server", "rke2-agent"})
BUNDLED = frozenset({"k3s", "k3s-agent", "rke2-server", "rke2-agent"})
"""Kubelets that bring a container runtime of their own."""
NETWORKS = frozenset({"systemd-networkd", "NetworkManager", "systemd-resolved", "edgewright-keepalived", "keepalived"})
TIMES = frozenset({"systemd-timesyncd", "chrony", "chronyd", "ntp"})
REMOTE = frozenset({"ssh", "sshd", "dropbear"})
"""What takes the next connection: the one that Doctor has stays open when it has failed."""
CORE = frozenset({"dbus", "systemd-journald", "systemd-logind", "systemd-udevd"})
"""What every host with systemd needs; a fault of one explains none of the others."""
PARTS = frozenset({"edgewright-reconciler", "stylus-operator", "spectro-stylus-operator", "spectro-init"})
"""Units beside the agent that do its work on the host."""
NEEDED = AGENTS | RUNTIMES | KUBELETS | NETWORKS
"""Units of which a fault explains others; the rest of the catalogue does not."""
