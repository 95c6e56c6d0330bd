"""What the values of a Kubernetes layer mean for a cluster: its networks, and which checks of a host it waives."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping, Tuple

from edgewright.core.clusters.model import Network

WAIVED: Dict[str, Tuple[str, ...]] = {
    "SystemVerification": ("cgroup", "modules"),
    "Swap": ("swap",),
    "Mem": ("memory",),
    "NumCPU": ("cpu",),
}
"""Checks of a host that a cluster waives together with the one of kubeadm of this name."""


def networks_of(config: Mapping[str, Any]) -> Network:
    """Return the networks of pods and services that a configuration sets (kubeadm, or k3s); "" where it sets none."""
    networking = _map(_map(config.get("clusterConfiguration")).get("networking"))
    pods = networking.get("podSubnet") or config.get("cluster-cidr") or ""
    services = networking.get("serviceSubnet") or config.get("service-cidr") or ""
    return Network(str(pods), str(services))


def waived_of(config: Mapping[str, Any]) -> FrozenSet[str]:
    """Return the checks of a host (P71) whose failure does not stop a cluster of this configuration."""
    names = []
    for part in ("initConfiguration", "joinConfiguration"):
        node = _map(_map(config.get(part)).get("nodeRegistration"))
        listed = node.get("ignorePreflightErrors")
        names += [str(name) for name in listed] if isinstance(listed, (list, tuple)) else []
    if _map(config.get("kubeletConfiguration")).get("failSwapOn") is False:
        names.append("Swap")
    return frozenset(check for name in names for check in WAIVED.get(name, ()))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
