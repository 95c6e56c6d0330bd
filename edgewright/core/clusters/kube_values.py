"""What the values of a Kubernetes layer mean for a cluster: its networks."""

from __future__ import annotations

from typing import Any, Mapping

from edgewright.core.clusters.model import Network


def config_of(values: Any) -> Mapping[str, Any]:
    """Return `cluster.config` of the values of a Kubernetes layer; empty where they have none."""
    cluster = values.get("cluster") if isinstance(values, Mapping) else None
    config = cluster.get("config") if isinstance(cluster, Mapping) else None
    return config if isinstance(config, Mapping) else {}


def networks_of(config: Mapping[str, Any]) -> Network:
    """Return the networks of pods and services that a configuration sets (kubeadm, or k3s); "" where it sets none."""
    outer = config.get("clusterConfiguration")
    networking = outer.get("networking") if isinstance(outer, Mapping) else None
    networking = networking if isinstance(networking, Mapping) else {}
    pods = networking.get("podSubnet") or config.get("cluster-cidr") or ""
    services = networking.get("serviceSubnet") or config.get("service-cidr") or ""
    return Network(str(pods), str(services))
