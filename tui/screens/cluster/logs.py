"""Which log of a node is read: that of the host, or of a unit that belongs to Kubernetes there."""

from __future__ import annotations

from typing import NamedTuple

from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from tui.widgets.lines import Line, line, pad


class Unit(NamedTuple):
    """A systemd unit of a node, or a pattern of some; an empty name is the log of the host's agent."""

    name: str
    about: str


UNITS = (
    Unit("kubelet.service", "pods, the API server and etcd as the kubelet sees them"),
    Unit("edgewright-containerd.service", "container runtime: images and containers"),
    Unit("edgewright-keepalived.service", "who has the VIP"),
    Unit("edgewright-reconciler.service", "steps of the cluster on this host"),
    Unit("edgewright-images.service", "registry of the host's own images"),
    Unit("edgewright-peer.service", "answers to the other members"),
    Unit("k3s.service", "k3s, in place of the kubelet"),
    Unit("edgewright-step-*", "every step: preflight, kubeadm init and join, upgrades, layers"),
    Unit("kernel", "the kernel's command line, and its log since the host booted"),
    Unit("", "agent: link to the plane, facts, operations"),
)
"""What Palette collects as node logs (units, files of `/var/log`, `/proc/cmdline`), by the units of this system.

Each is asked for when it is opened. Steps write no files of their own: what they print is in their units.
"""


def unit_lines(row: ClusterRow) -> list[Line]:
    """Return the units of a node of this cluster, to choose from; a key is the unit, `-` that of the agent."""
    k3s = row.distribution == "k3s"
    left_out = "kubelet.service" if k3s else "k3s.service"
    shown = [unit for unit in UNITS if unit.name != left_out]
    size = max(len(unit.name) for unit in shown)
    return [line((pad(unit.name or "agent", size), "strong"), "  ", unit.about, key=unit.name or "-") for unit in shown]
