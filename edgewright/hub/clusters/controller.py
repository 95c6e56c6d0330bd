"""What the plane does for clusters by itself: state and health as events, conditions, the end of what is old.

One hub at a time does it (a lease of the runtime). Hosts are never given steps: they converge on their document.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from edgewright.core import times
from edgewright.core.text import amount
from edgewright.hub.clusters import delivery, ending, judging, status, store, tables
from edgewright.hub.clusters.events import cluster_event
from edgewright.hub.clusters.index import Cluster, ClusterIndex
from edgewright.hub.clusters.tables import ClusterRecord
from edgewright.hub.controllers.runtime import Controller, Work
from edgewright.hub.db.hosts import find_host, raise_generation
from edgewright.hub.db.transaction import Tx
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

EVERY = 30.0
"""Seconds between two looks."""
STUCK = "DeletionStuck"
Judged = dict[str, Any]
Job = Callable[[Tx], None]


async def look(work: Work) -> None:
    """Look at every cluster once, and store what changed."""
    hub, now = work.services, times.now()
    jobs = []
    async with Pace(hub.turns) as pace:
        for item in list(hub.part(ClusterIndex).by_uid.values()):
            job = due(hub, item, now)
            if job is not None:
                jobs.append(job)
            if pace.due:
                await pace.rest()
    for job in jobs:
        await work.write(job)


def due(hub: Services, item: Cluster, now: float) -> Job | None:
    """Return what is to be stored of a cluster; `None` when nothing changed."""
    record = item.record
    if record.phase == tables.DELETED_PHASE:
        old = record.deleted_at is not None and now > record.deleted_at + wire.SHOWN_DELETED
        return partial(_purge, record=record) if old and hub.clock.may_delete else None
    listed = status.members(hub, item)
    before: Judged = item.head.get("judged") or {}
    stuck = record.deleting_at is not None and now > record.deleting_at + wire.FORCE_AFTER
    health, reason = status.health(hub, item, listed, now)
    judged = {
        "state": status.state(item, listed),
        "health": health,
        "since": before.get("since", now) if before.get("health") == health else now,
        "problems": [row.kind for row in judging.troubles_of(hub, item, listed, now)],
        "lineage": sorted(member.machine["hostName"] for member in listed if member.offered),
        "stuck": stuck,
        "access": delivery.access_sign(hub, record.uid, item.head.get("registries") or ()),
        "settled": bool(before.get("settled")) or health == status.HEALTHY,
    }
    if judged == before:
        return None
    return partial(_judge, hub=hub, record=record, before=before, judged=judged, now=now, reason=reason)


def _purge(tx: Tx, record: ClusterRecord) -> None:
    if store.get_or_404(tx, record.uid) == record:
        store.purge(tx, record)


def _judge(
    tx: Tx, hub: Services, record: ClusterRecord, before: Judged, judged: Judged, now: float, reason: str
) -> None:
    """Store what a cluster is judged to be now, with an event for each change of it."""
    if store.get_or_404(tx, record.uid) != record:
        return  # it was changed meanwhile; the next look is about what it is then
    head = record.parts
    head["judged"] = judged
    if judged["stuck"]:
        left = [machine["hostName"] for pool in head["pools"] for machine in pool["machines"]]
        text = f"{amount(len(left), 'host')} did not confirm for 15 minutes: {', '.join(left[:10])}."
        ending.set_condition(
            head, STUCK, STUCK, f"{text} End it: edgewright cluster delete {shlex.quote(record.name)} --force.", now
        )
    newer = msgspec.structs.replace(record, head=ending.head_text(head))
    store.put(tx, record, newer)
    if judged["access"] != before.get("access", judged["access"]):  # hosts fetch their part with the new login (P107)
        for host in sorted(store.host_uids(head)):
            if find_host(tx, host) is not None:
                raise_generation(tx, host, "cluster")
    for severity, kind, message in changes(record.name, before, judged, reason):
        cluster_event(hub, tx, newer, severity, kind, message)


def changes(name: str, before: Judged, judged: Judged, why: str) -> list[tuple[str, str, str]]:
    """Return severity, reason and message of each change that is an event; `why` is the reason of the health."""
    rows: list[tuple[str, str, str]] = []
    if judged["state"] != before.get("state") and before:
        rows.append(("Info", "ClusterState", f"Cluster '{name}' is {judged['state']} ({before['state']} before)."))
    health, old = judged["health"], before.get("health")
    if health == old == status.UNHEALTHY and before.get("problems", [])[:1] != judged["problems"][:1]:
        old = ""  # another cause is news
    if health != old and judged["state"] == wire.RUNNING:
        bad = health == status.UNHEALTHY
        word = {status.HEALTHY: "is healthy", status.UNHEALTHY: "is unhealthy"}.get(health, "has unknown health")
        reason = {status.HEALTHY: "ClusterHealthy", status.UNHEALTHY: "ClusterUnhealthy"}.get(health, "ClusterUnknown")
        rows.append(("Warning" if bad else "Info", reason, f"Cluster '{name}' {word}{': ' + why if bad else '.'}"))
    new = [host for host in judged["lineage"] if host not in before.get("lineage", [])]
    if new:
        text = f"{', '.join(new[:10])} of the cluster '{name}' continue with a document of another lineage."
        rows.append(
            (
                "Warning",
                wire.E_UNKNOWN_LINEAGE,
                f"{text} {status.decide(name)}",
            )
        )
    if judged["stuck"] and not before.get("stuck"):
        rows.append(("Warning", STUCK, f"The deletion of the cluster '{name}' lasts longer than 15 minutes."))
    return rows


CONTROLLER = Controller("clusters", look, lambda hub: EVERY)
