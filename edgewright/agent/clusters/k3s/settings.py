"""Settings of k3s from the document, and where k3s has what kubeadm has elsewhere. Pure.

What the document's `config` sets (flags of `k3s server` without dashes) is merged in; names, addresses, networks and
tokens are always ours.
"""

from __future__ import annotations

from typing import Any, Dict, List

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.kube.etcd import GATEWAY_K3S
from edgewright.agent.clusters.kube.labels import host_labels
from edgewright.core.clusters import join
from edgewright.core.clusters.model import ClusterDocument, Member

REGISTRIES = paths.STATE + "/registries.json"
TLS = paths.K3S + "/server/tls"
PLUGINS = ("bridge", "host-local", "loopback", "portmap")
"""CNI plug-ins that every CNI needs, and k3s carries for its own."""
LAYOUT: Dict[str, str] = {
    paths.KUBELET_CONF: f"{paths.K3S}/agent/kubelet.kubeconfig",
    paths.ETCD: f"{paths.K3S}/server/db/etcd",
    f"{paths.KUBERNETES}/pki/ca.crt": f"{TLS}/server-ca.crt",
    f"{paths.KUBERNETES}/pki/apiserver.crt": f"{TLS}/serving-kube-apiserver.crt",
    f"{paths.KUBERNETES}/pki/apiserver-kubelet-client.crt": f"{TLS}/client-kube-apiserver.crt",
    f"{paths.KUBERNETES}/pki/apiserver-kubelet-client.key": f"{TLS}/client-kube-apiserver.key",
    f"{paths.KUBERNETES}/pki/front-proxy-client.crt": f"{TLS}/client-auth-proxy.crt",
    f"{paths.KUBERNETES}/pki/etcd/ca.crt": f"{TLS}/etcd/server-ca.crt",
    f"{paths.KUBERNETES}/pki/etcd/server.crt": f"{TLS}/etcd/server-client.crt",
    f"{paths.KUBERNETES}/pki/etcd/peer.crt": f"{TLS}/etcd/peer-server-client.crt",
    f"{paths.KUBERNETES}/pki/etcd/healthcheck-client.crt": f"{TLS}/etcd/client.crt",
    f"{paths.KUBERNETES}/pki/etcd/healthcheck-client.key": f"{TLS}/etcd/client.key",
}
"""Links to make: what reads a node of kubeadm reads one of k3s by them. `admin.conf` k3s writes itself."""
FIRST_ONLY, JOIN_ONLY = "cluster-init", "server"
LISTS = ("tls-san", "node-label", "node-taint", "etcd-arg")
AGENT = (
    "kubelet-arg",
    "kube-proxy-arg",
    "node-label",
    "node-taint",
    "snapshotter",
    "pause-image",
    "protect-kernel-defaults",
)
"""Flags of the document that `k3s agent` knows too."""


def server(document: ClusterDocument, member: Member, secret: bytes, ca_hash: str = "") -> Dict[str, Any]:
    """Return the settings of a server: the first one without `ca_hash`, else one that joins by the CA of that hash."""
    network, endpoint = document.network, document.endpoint
    token = join.cluster_token(secret)
    ours: Dict[str, Any] = {
        **_node(document, member),
        "advertise-address": member.address,
        "cluster-cidr": network.pod_cidr,
        "service-cidr": network.service_cidr,
        "tls-san": [endpoint.host, *endpoint.sans],
        "write-kubeconfig": paths.ADMIN_CONF,
        "write-kubeconfig-mode": "0600",
        "agent-token": join.agent_token(secret),
        "etcd-arg": [
            "enable-grpc-gateway=true",
            f"listen-client-http-urls=https://127.0.0.1:{GATEWAY_K3S},https://{_host(member.address)}:{GATEWAY_K3S}",
        ],
    }
    if ca_hash:
        ours.update({JOIN_ONLY: url(document), "token": f"K10{ca_hash}::server:{token}"})
    else:
        ours.update({FIRST_ONLY: True, "token": token})
    return _merged(document.kubernetes.config, ours)


def agent(document: ClusterDocument, member: Member, token: str, ca_hash: str) -> Dict[str, Any]:
    """Return the settings of an agent; `token` is the agent token of the cluster."""
    ours = {**_node(document, member), JOIN_ONLY: url(document), "token": f"K10{ca_hash}::node:{token}"}
    return _merged({key: value for key, value in document.kubernetes.config.items() if key in AGENT}, ours)


def url(document: ClusterDocument) -> str:
    """Return the address of the API."""
    return f"https://{_host(document.endpoint.host)}:{document.endpoint.port}"


def registries() -> Dict[str, Any]:
    """Return which registry the container runtime asks first: the one of this host, then the image's own."""
    return {"mirrors": {"*": {"endpoint": [f"http://127.0.0.1:{paths.IMAGES_PORT}"]}}}


def own_cni(document: ClusterDocument) -> bool:
    """Return whether a layer brings the CNI, not k3s."""
    return document.kubernetes.config.get("flannel-backend") == "none"


def _node(document: ClusterDocument, member: Member) -> Dict[str, Any]:
    taints = [f"{taint.key}={taint.value}:{taint.effect}" for taint in member.taints]
    return {
        "node-name": member.node_name,
        "node-ip": member.address,
        "node-label": [f"{key}={value}" for key, value in host_labels(member).items()],
        "node-taint": taints,
        "private-registry": REGISTRIES,
    }


def _merged(base: Any, ours: Dict[str, Any]) -> Dict[str, Any]:
    result = {str(key): value for key, value in dict(base).items() if key not in (FIRST_ONLY, JOIN_ONLY)}
    for key, value in ours.items():
        before = result.get(key)
        more: List[Any] = (before if isinstance(before, list) else [before]) if before and key in LISTS else []
        result[key] = [*more, *value] if key in LISTS else value
    return result


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
