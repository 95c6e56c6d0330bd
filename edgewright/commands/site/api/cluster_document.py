"""The cluster of a host that is open by SSH, as the document of a cluster of the plane (`v1SpectroClusterSummary`).

From what the probes read by kubectl and of the files of the host, and from the local API of a Palette host where a user
has logged in. It is the cluster as this one host sees it: a value that neither has is left out, and shown as unknown.
Of several hosts of one cluster: `one_cluster`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from edgewright.clients.local_api.documents import Cluster
from edgewright.commands.site.api.host_document import Known
from edgewright.core import times
from edgewright.core.doctor.facts import Facts
from edgewright.core.text import amount
from edgewright.wire.protocol import clusters as wire

_KUBELET = (
    "/var/lib/kubelet/pki/kubelet-client-current.pem",
    "/var/lib/rancher/k3s/agent/client-kubelet.crt",
    "/var/lib/rancher/rke2/agent/client-kubelet.crt",
)
_ITSELF = ("127.", "localhost")
"""How the kubelet of k3s and of RKE2 reaches the API: by a proxy on its host."""
_NODE = re.compile(r"CN=system:node:([a-z0-9.-]{1,253})")
_FILES = ("/etc/kubernetes/", "/var/lib/rancher/", "/var/lib/kubelet/")
MOST = 40
"""Nodes, certificates and conditions that are taken of one answer."""
_GROUPS = ("control-plane", "worker", "")
"""Roles in the order in which nodes are listed."""
_API = {"silent": "The API server of {} does not answer.", "not-ready": "The API server of {} is not ready."}
_ETCD = {"silent": "etcd on {} does not answer.", "unhealthy": "etcd on {} is not healthy."}


def node_of(facts: Facts) -> str:
    """Return the name of the host's own node: that of the kubelet's certificate, else the name of the host."""
    subjects = (each.subject for each in facts.certificates or () if each.place in _KUBELET)
    names = (match[1] for subject in subjects if (match := _NODE.search(subject)) is not None)
    return next(names, facts.hostname)


def has_cluster(known: Known) -> bool:
    """Return whether the host shows any sign of a cluster that it belongs to."""
    facts = known.facts
    signs = () if facts is None else (facts.nodes, facts.members, facts.api not in ("", "none"), facts.kubelet_server)
    return any(signs) or (known.cluster is not None and bool(known.cluster.name))


def cluster_document(known: Known, uid: str, hosts: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """Return the document, None for a host without a cluster; `uid` is that of the host's own row.

    What changes by itself, health and nodes, is of the newer answer; a name, an address and roles of the local API.
    `hosts`: uids of rows by host name, where several hosts show the cluster.
    """
    if not has_cluster(known):
        return None
    facts, cluster = known.facts, known.cluster
    this = facts.hostname if facts is not None and hosts is not None and facts.hostname else "this host"
    hosts = {node_of(facts): uid} if hosts is None and facts is not None else hosts or {}
    newer = (known.cluster_at or 0.0) > (known.read_at or 0.0)
    members = _by_kubectl(facts, hosts) if facts is not None else []
    roles = {} if cluster is None else _by_local_api(cluster, hosts)
    if not members or newer:
        members = list(roles.values()) or members
    else:
        members = [{**roles.get(each["name"], {}), **each} for each in members]
    members.sort(key=lambda each: _GROUPS.index(each.get("role", "")))
    health, reason = _health_of(facts, this) if facts is not None else ("unknown", "")
    if cluster is not None and (newer or health == "unknown"):
        health, reason = cluster.health.lower() or health, cluster.health_reason or cluster.state_reason or reason
    ours: dict[str, Any] = {"healthState": health, "reason": reason, "members": members}
    moments = [at for at in (known.read_at, known.cluster_at) if at is not None]
    if moments:
        ours["reportedAt"] = times.rfc3339(max(moments))
    if members:
        known_ready = [each["ready"] for each in members if "ready" in each]
        counted = {"total": len(members)}
        ours["nodes"] = counted | ({"ready": sum(known_ready)} if len(known_ready) == len(members) else {})
    if facts is not None:
        ours |= _of_probes(facts)
    name, state = uid, ""
    if cluster is not None:
        name, state = cluster.name or uid, cluster.state
        ours |= {"version": cluster.version} if cluster.version else {}
        ours |= {"endpoint": cluster.vip} if cluster.vip else {}
        ours["conditions"] = [
            {"type": each.type, "status": each.status, "message": each.message} for each in cluster.conditions[:MOST]
        ]
    return {"metadata": {"uid": uid, "name": name}, "specSummary": {}, "status": {"state": state, "edgewright": ours}}


def _by_kubectl(facts: Facts, hosts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the nodes as kubectl shows them; that of a host that is open leads to its row."""
    return [
        {
            "name": node.name,
            "node": node.name,
            "version": node.version,
            **({"role": role} if (role := _role(node.roles)) else {}),
            "ready": node.status.split(",")[0] == "Ready",
            "cordoned": "SchedulingDisabled" in node.status,
            "state": wire.PRESENT,
            **({"uid": hosts[node.name]} if node.name in hosts else {}),
        }
        for node in (facts.nodes or ())[:MOST]
    ]


def _role(roles: str) -> str:
    """Return the role of a node by the labels that kubectl shows, "" where they name none that is known."""
    named = set(roles.split(","))
    return "control-plane" if named & {"control-plane", "master"} else "worker" if named & {"<none>", "worker"} else ""


def _by_local_api(cluster: Cluster, hosts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the nodes of the local API by name."""
    nodes: dict[str, dict[str, Any]] = {}
    for pool in cluster.pools:
        for node in pool.nodes[:MOST]:
            ready = {"healthy": True, "unhealthy": False}.get(node.health.lower())
            nodes[node.name] = {
                "name": node.name,
                "node": node.name,
                "pool": pool.name,
                "role": "control-plane" if pool.is_control_plane else "worker",
                "version": node.version,
                "address": node.address,
                "state": wire.PRESENT,
                **({} if ready is None else {"ready": ready}),
                **({"uid": hosts[node.name]} if node.name in hosts else {}),
            }
    return nodes


def _health_of(facts: Facts, this: str) -> tuple[str, str]:
    """Return health and reason by the probes; what they did not read is unknown. `this`: what the host is called."""
    nodes = facts.nodes or ()
    if facts.api in _API:
        return "unhealthy", _API[facts.api].format(this)
    if facts.etcd in _ETCD:
        return "unhealthy", _ETCD[facts.etcd].format(this)
    wrong = [node.name for node in nodes if node.status.split(",")[0] != "Ready"]
    if wrong:
        return "unhealthy", f"{len(wrong)} of {amount(len(nodes), 'node')} not ready: {', '.join(wrong[:3])}"
    return ("healthy", "") if nodes else ("unknown", facts.kube_error)


def _of_probes(facts: Facts) -> dict[str, Any]:
    """Return version, address, etcd and certificates by the probes."""
    versions = [node.version for node in facts.nodes or () if node.version]
    own = next((node.version for node in facts.nodes or () if node.name == facts.hostname), "")
    version = own or (versions[0] if versions else "")
    out: dict[str, Any] = {"version": version} if version else {}
    out |= next(({"distribution": name} for name in ("k3s", "rke2") if f"+{name}" in version), {})
    if facts.kubelet_server is not None and not facts.kubelet_server.host.startswith(_ITSELF):
        out["endpoint"] = facts.kubelet_server.host
    out["etcd"] = [
        {"name": each.name, "healthy": each.healthy, "voter": not each.learner} for each in facts.members or ()
    ]
    ends = sorted(
        (each.ends, each.place) for each in facts.certificates or () if each.ends and each.place.startswith(_FILES)
    )
    rows = [
        {"name": place.rpartition("/")[2], "node": facts.hostname, "notAfter": times.rfc3339(end)}
        for end, place in ends[:MOST]
    ]
    return out | ({"certificates": rows, "firstEnd": rows[0]} if rows else {})
