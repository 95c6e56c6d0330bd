"""Problems of clusters: no quorum, two owners of the VIP, nodes, steps, layers, certificates; and what to do next."""

from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Tuple

from edgewright.core.problems.problem import (
    ATTENTION,
    CERTIFICATE,
    CLUSTER,
    DISK,
    PLANE,
    REST,
    SILENT,
    UNHEALTHY,
    Problem,
)


class ClusterState(NamedTuple):
    """One thing that is wrong with a cluster, by `core.clusters.troubles`. `since` is epoch seconds."""

    uid: str
    name: str
    kind: str
    text: str
    since: Optional[float] = None
    uids: Tuple[str, ...] = ()
    """The hosts behind it."""


class _Rule(NamedTuple):
    harm: int
    owner: str
    next_step: str


_RULES: Mapping[str, _Rule] = {
    "quorum": _Rule(PLANE, "host", "Check power and link of the silent control planes; etcd needs most of them."),
    "api": _Rule(PLANE, "host", "Open the host and read the log of its kubelet; the API server and etcd run in it."),
    "vip": _Rule(PLANE, "operator", "Check that the control planes reach each other: both sides answer for the VIP."),
    "node": _Rule(SILENT, "host", "Open the host: its work, kubelet, runtime and link."),
    "etcd": _Rule(SILENT, "host", "Open the host of the member: its disk, clock and link."),
    "step": _Rule(DISK, "operator", "Read the line of its log on the cluster's screen, fix the cause, then retry."),
    "layer": _Rule(DISK, "operator", "Open the cluster and read why the layer failed."),
    "silent": _Rule(SILENT, "host", "Check power and link of the silent hosts."),
    "certificate": _Rule(CERTIFICATE, "operator", "Renew it before its end, on its node: kubeadm certs renew all."),
    "deletion": _Rule(REST, "operator", "Bring the hosts back, or end the deletion without them: delete with --force."),
}
_UNKNOWN = _Rule(REST, "operator", "Open the cluster and read what its hosts report.")


def cluster_problem(state: ClusterState) -> Problem:
    """Return the problem of a cluster."""
    rule = _RULES.get(state.kind, _UNKNOWN)
    attention = state.kind in ("certificate", "deletion")
    return Problem(
        key=f"{CLUSTER}{state.uid}/{state.kind}",
        kind=state.kind if state.kind in _RULES else "cluster",
        harm=rule.harm,
        subject=state.name,
        text=state.text,
        since=state.since,
        owner=rule.owner,
        uids=state.uids,
        next_step=rule.next_step,
        action="cluster show",
        argument=state.uid,
        section=ATTENTION if attention else UNHEALTHY,
        target=("cluster", state.uid),
    )
