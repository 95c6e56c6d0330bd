"""The checklist of a cluster from what the plane knows: heartbeats of its hosts and the report of its leader."""

from __future__ import annotations

from typing import Any

from edgewright.core import times
from edgewright.core.clusters.checklist import (
    ClusterReport,
    Host,
    HostReport,
    Item,
    Outline,
    checklist,
)
from edgewright.core.clusters.model import CONTROL_PLANE, WORKER
from edgewright.hub.clusters import form
from edgewright.hub.clusters.index import Cluster, Reports
from edgewright.hub.clusters.members import FRESH, Member, report_of
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]


def rows(hub: Services, item: Cluster, listed: list[Member], now: float) -> list[Json]:
    """Return the rows in order: `{step, title, state, hosts, text, since, expected}` and the row as `sentence`."""
    reports = hub.part(Reports)
    newest = reports.record(item.uid)
    document = reports.document(item.uid) if newest is not None and now - newest.at <= FRESH else None
    layers = document.get("layers") or () if document is not None else ()
    cluster = None
    if document is not None:
        cluster = ClusterReport(
            {str(node.get("name") or ""): node.get("ready") is True for node in document.get("nodes") or ()},
            {
                str(row.get("name") or ""): (row.get("state") == "ready", str(row.get("message") or ""))
                for row in layers
            },
        )
    hosts: list[Host] = []
    known: dict[str, HostReport] = {}
    for member in listed:
        machine = member.machine
        role = CONTROL_PLANE if form.is_control_plane(member.pool["config"]) else WORKER
        uid = machine["hostUid"]
        hosts.append(Host(uid, machine["nodeName"], role, machine["state"] == wire.ABSENT))
        report = report_of(hub, item, member)
        if report is not None:
            known[uid] = report
    names = list(dict.fromkeys([*item.head["packOf"], *(str(row.get("name") or "") for row in layers)]))
    vip = (item.head["cloudConfig"].get("controlPlaneEndpoint") or {}).get("type") not in ("DDNS", "External")
    outline = Outline(tuple(hosts), item.head["initHostUid"], vip, tuple(names))
    return [_row(row, now) for row in checklist(outline, known, cluster)]


def _row(row: Item, now: float) -> Json:
    return {
        "step": row.step,
        "title": row.title,
        "state": row.state,
        "hosts": list(row.hosts),
        "text": row.text,
        "since": None if row.since is None else times.rfc3339(row.since),
        "expected": row.expected,
        "sentence": row.sentence(now),
    }
