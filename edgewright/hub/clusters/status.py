"""State, health and conditions of a cluster, from what its hosts and its leader report. Nothing here asks a host."""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

from edgewright.core import times
from edgewright.core.text import amount
from edgewright.hub.clusters.index import Cluster, Reports
from edgewright.hub.clusters.tables import ADOPTING_PHASE, DELETED_PHASE, DELETING_PHASE
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
HEALTHY, UNHEALTHY, UNKNOWN_HEALTH = "Healthy", "UnHealthy", "Unknown"
FRESH = 600.0
"""Seconds for which the report of a leader counts; an older one proves nothing."""
_TRUE, _FALSE = "True", "False"


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
            )
        )
    return result


def document_at(entry: Any, uid: str) -> Json:
    """Return what a host reports of a document (P73); empty when it has none of it."""
    spec = entry.document().get("spec") or {}
    listed = (spec.get("edgewright") or {}).get("documents")
    items = listed if isinstance(listed, list) else []
    return next((item for item in items if isinstance(item, dict) and item.get("uid") == uid), {})


def state(cluster: Cluster, listed: list[Member]) -> str:
    """Return the state that clients see."""
    if cluster.record.phase == DELETED_PHASE:
        return wire.DELETED
    if cluster.record.phase == DELETING_PHASE:
        return wire.DELETING
    if cluster.record.phase == ADOPTING_PHASE:
        return wire.UNKNOWN
    if cluster.head["done"] is not None:
        return wire.RUNNING
    begun = any(member.report or member.progress for member in listed)
    return wire.PROVISIONING if begun else wire.PENDING


def health(hub: Services, cluster: Cluster, listed: list[Member], now: float) -> tuple[str, str]:
    """Return the health and its reason: unknown without a fresh report of the leader, or when all members are silent.

    A member without heartbeats is never part of a healthy cluster, whatever the leader reported before.
    """
    record = hub.part(Reports).record(cluster.uid)
    if record is None:
        return UNKNOWN_HEALTH, "No control plane has reported yet."
    age = times.duration(max(0.0, now - record.at))
    if now - record.at > FRESH:
        return UNKNOWN_HEALTH, f"The last report of a control plane is {age} old."
    quiet, present = silent(hub, listed, now), sum(1 for member in listed if member.machine["state"] == wire.PRESENT)
    if quiet and len(quiet) == present:
        text = f"No heartbeat of any host: {_ages(quiet)}; the last report of a control plane is {age} old."
        return UNKNOWN_HEALTH, text
    wrong = []
    for member in listed:
        if member.machine["state"] == wire.PRESENT and member.node.get("ready") is not True:
            wrong.append(member.machine["nodeName"])
    document = hub.part(Reports).document(cluster.uid)
    sick = [str(item.get("name") or "") for item in document.get("etcd") or () if item.get("healthy") is False]
    layers = [
        str(item.get("name") or "") for item in document.get("layers") or () if item.get("state") in ("failed", "error")
    ]
    texts = [
        f"{amount(len(names), what)} {verb}: {', '.join(names[:5])}"
        for names, what, verb in (
            (wrong, "node", "not ready"),
            (sick, "etcd member", "unhealthy"),
            (layers, "layer", "failed"),
        )
        if names
    ]
    if quiet:
        texts.append(f"{amount(len(quiet), 'host')} silent: {_ages(quiet)}")
    return (UNHEALTHY, "; ".join(texts) + ".") if texts else (HEALTHY, "")


def silent(hub: Services, listed: list[Member], now: float) -> dict[str, float]:
    """Return seconds without heartbeat of the present members that are past their silence limit, by name."""
    renderer, result = hub.renderer, {}
    for member in listed:
        entry = hub.state.hosts.get(member.machine["hostUid"])
        if entry is None or member.machine["state"] != wire.PRESENT:
            continue
        seconds = renderer.silence(entry, now)
        if seconds >= renderer.host_limit(entry):
            result[member.machine["hostName"]] = seconds
    return result


def _ages(quiet: dict[str, float]) -> str:
    return ", ".join(f"{name} for {times.duration(seconds)}" for name, seconds in list(quiet.items())[:5])


def applied(cluster: Cluster, listed: list[Member]) -> tuple[int, int]:
    """Return how many hosts have applied the present document, and how many there are."""
    digest = cluster.record.digest
    return sum(1 for member in listed if member.report.get("appliedDigest") == digest), len(listed)


def conditions(hub: Services, cluster: Cluster, listed: list[Member], now: float) -> list[Json]:
    """Return the conditions (`v1ClusterCondition`)."""
    head, record = cluster.head, cluster.record
    done = head["done"]
    rows = [
        _row(
            "Bootstrapped",
            done is not None,
            "Formed" if done else "Forming",
            _forming(cluster, listed),
            record.modified,
        )
    ]
    count, total = applied(cluster, listed)
    text = f"{count} of {amount(total, 'host')} {'has' if count == 1 else 'have'} the present document."
    rows.append(_row("Applied", count == total, "Applied" if count == total else "Waiting", text, record.modified))
    verdict, reason = health(hub, cluster, listed, now)
    rows.append(_row("Healthy", verdict == HEALTHY, verdict, reason, record.modified))
    for name in head.get("conditions") or ():
        rows.append(_row(name["type"], True, name["reason"], name["message"], name["since"]))
    if adoption := head.get("adoption"):
        entry = hub.state.hosts.get(adoption["hostUid"])
        name = entry.facts.name if entry is not None else adoption["hostUid"]
        text = f"The host {name} is asked for its document, which {adoption['by']} adopts."
        rows.append(_row("Adopting", True, "Adopting", text, adoption["since"]))
    waiting = [member.machine["hostName"] for member in listed if member.offered]
    if waiting:
        text = (
            f"{', '.join(waiting[:5])} {'has' if len(waiting) == 1 else 'have'} another document than this plane and "
            f"continue with it. {decide(record.name)}"
        )
        rows.append(_row(wire.E_UNKNOWN_LINEAGE, True, wire.E_UNKNOWN_LINEAGE, text, now))
    return rows


def decide(name: str) -> str:
    """Return what an operator does where hosts have another document than the plane."""
    quoted = shlex.quote(name)
    return (
        f"Take theirs: edgewright cluster adopt {quoted}; or replace it by that of the plane: "
        f"edgewright cluster override {quoted}."
    )


def _forming(cluster: Cluster, listed: list[Member]) -> str:
    if cluster.head["done"] is not None:
        return "The cluster is formed."
    steps = [
        f"{member.machine['hostName']}: {member.progress.get('step')}"
        for member in listed
        if member.progress is not None
    ]
    return "; ".join(steps[:5]) or "The hosts have not begun yet."


def _row(kind: str, true: bool, reason: str, message: str, since: float) -> Json:
    return {
        "type": kind,
        "status": _TRUE if true else _FALSE,
        "reason": reason,
        "message": message,
        "lastTransitionTime": times.rfc3339(since),
        "lastProbeTime": times.rfc3339(since),
    }


def vip(listed: list[Member]) -> Json:
    """Return who has the VIP: `none`, `one`, `two` or `unknown`, with the hosts that claim it."""
    claims = [member for member in listed if (member.report.get("vip") or {}).get("held") is True]
    known = any("vip" in member.report for member in listed)
    word = "unknown" if not known else ("none", "one", "two")[min(len(claims), 2)]
    return {"state": word, "hosts": [member.machine["hostName"] for member in claims]}
