"""The hosts of a cluster, each with what the plane knows of it now."""

from __future__ import annotations

from typing import Any, NamedTuple

from edgewright.core.clusters.checklist import HostReport, read_report
from edgewright.hub.clusters.index import Cluster, Reports
from edgewright.hub.services import Services

Json = dict[str, Any]
FRESH = 600.0
"""Seconds for which the report of a leader counts; an older one proves nothing."""


class Member(NamedTuple):
    """A host of a cluster as the plane knows it now."""

    pool: Json
    machine: Json
    node: Json
    """What the leader reports of the node; empty when it knows none."""
    report: Json
    """What the host reports of itself in the cluster."""
    offered: bool
    """Whether a document of another lineage waits at the host."""
    progress: Json | None
    vip_since: float | None = None
    """Since when it claims the VIP (epoch seconds)."""


def members(hub: Services, cluster: Cluster) -> list[Member]:
    """Return the hosts of a cluster, those that are being released included."""
    reports = hub.part(Reports)
    nodes = {str(node.get("name") or ""): node for node in reports.document(cluster.uid).get("nodes") or ()}
    result = []
    for pool, machine in cluster.machines():
        entry = hub.state.hosts.get(machine["hostUid"])
        document = document_at(entry, cluster.uid) if entry is not None else {}
        result.append(
            Member(
                pool,
                machine,
                nodes.get(machine["nodeName"], {}),
                reports.document(cluster.uid, machine["hostUid"]),
                bool(document.get("offered")),
                entry.live.progress if entry is not None else None,
                reports.vip_since(cluster.uid, machine["hostUid"]),
            )
        )
    return result


def report_of(hub: Services, cluster: Cluster, member: Member) -> HostReport | None:
    """Return where the work of a host is, with the reason of the step that failed; `None` when nothing is known."""
    entry = hub.state.hosts.get(member.machine["hostUid"])
    failed = document_at(entry, cluster.uid).get("failed") if entry is not None else None
    # Of another step, it is what the host reported before this one failed.
    same = isinstance(failed, dict) and failed.get("step") == (member.progress or {}).get("step")
    error = str(failed.get("error") or "") if same and isinstance(failed, dict) else ""
    return read_report(member.progress, member.report.get("appliedDigest") == cluster.record.digest, error)


def document_at(entry: Any, uid: str) -> Json:
    """Return what a host reports of a document (P73); empty when it has none of it."""
    spec = entry.document().get("spec") or {}
    listed = (spec.get("edgewright") or {}).get("documents")
    items = listed if isinstance(listed, list) else []
    return next((item for item in items if isinstance(item, dict) and item.get("uid") == uid), {})
