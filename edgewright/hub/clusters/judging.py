"""What is wrong with a cluster, and what its hosts and its leader report of it, for documents and conditions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from edgewright.core import times
from edgewright.core.clusters import steps
from edgewright.core.clusters.actions import OPERATOR
from edgewright.core.clusters.checklist import read_report
from edgewright.core.clusters.quorum import NOSPACE
from edgewright.core.clusters.troubles import MILD, Control, Facts, Trouble, soonest, troubles
from edgewright.core.text import clean
from edgewright.hub.clusters import form
from edgewright.hub.clusters.index import Cluster, Reports
from edgewright.hub.clusters.members import FRESH, Member, report_of
from edgewright.hub.clusters.tables import ACTIVE, DELETED_PHASE
from edgewright.hub.services import Services
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]
_FAILED = ("failed", "error")
FORMING = 1800.0
"""Seconds after its creation for which a cluster that was never complete is forming and not unhealthy."""
CLAIM_BEATS = 2.0
"""Heartbeats after which the claim of a silent host to the VIP no longer counts beside that of another."""


def is_silent(hub: Services, member: Member, now: float) -> bool:
    """Return whether a host sends no heartbeat; one that the plane does not have is silent."""
    entry = hub.state.hosts.get(member.machine["hostUid"])
    return entry is None or hub.renderer.silence(entry, now) >= hub.renderer.host_limit(entry)


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


def all_silent(quiet: dict[str, float], listed: list[Member]) -> bool:
    """Return whether no present member sends heartbeats: then nothing is known of the cluster."""
    return bool(quiet) and len(quiet) == sum(1 for member in listed if member.machine["state"] == wire.PRESENT)


def ages(quiet: dict[str, float]) -> str:
    """Return the first five silent members with their times."""
    return ", ".join(f"{name} for {times.duration(seconds)}" for name, seconds in list(quiet.items())[:5])


def owners(hub: Services, listed: list[Member], now: float) -> list[str]:
    """Return the hosts that have the VIP now, as far as the plane can know.

    Two have it when both claim it at the same time (cluster-design section 3): a host that sent nothing after another
    began to claim it, or nothing for two heartbeats, has lost power or its link, and its claim is of the past.
    """
    claims = [member for member in listed if (member.report.get("vip") or {}).get("held") is True]
    claims = [member for member in claims if not is_silent(hub, member, now)]
    if len(claims) > 1:
        newest = max(member.vip_since or 0.0 for member in claims)
        claims = [each for each in claims if (each.vip_since or 0.0) == newest or _last_heartbeat(hub, each) > newest]
        claims = [each for each in claims if _is_young(hub, each, now)] or claims
    return [member.machine["hostName"] for member in claims]


def _last_heartbeat(hub: Services, member: Member) -> float:
    """Return when a host of the plane sent its last heartbeat, or registered (epoch seconds)."""
    entry = hub.state.hosts[member.machine["hostUid"]]
    return entry.live.at or entry.record.registered_at or 0.0


def _is_young(hub: Services, member: Member, now: float) -> bool:
    entry = hub.state.hosts[member.machine["hostUid"]]
    return hub.renderer.silence(entry, now) <= CLAIM_BEATS * hub.renderer.host_interval(entry)


def fresh(hub: Services, cluster: Cluster, now: float) -> Json:
    """Return the report of the leader; empty when there is none, or it is too old to prove anything."""
    reports = hub.part(Reports)
    record = reports.record(cluster.uid)
    return reports.document(cluster.uid) if record is not None and now - record.at <= FRESH else {}


def is_forming(hub: Services, cluster: Cluster, listed: list[Member], now: float) -> bool:
    """Return whether the hosts still form a cluster: it was never complete, and they work on it or are there at least.

    The report of the leader follows their work by up to half a minute.
    """
    if cluster.record.phase != ACTIVE or (cluster.head.get("judged") or {}).get("settled"):
        return False
    if now - cluster.record.created >= FORMING or _is_complete(fresh(hub, cluster, now), listed):
        return False
    return any(_works(member) for member in listed) or not any(is_silent(hub, member, now) for member in listed)


def _is_complete(report: Json, listed: list[Member]) -> bool:
    present = [member for member in listed if member.machine["state"] == wire.PRESENT]
    ready = all(member.node.get("ready") is True for member in present)
    return bool(report) and ready and all(row.get("state") == "ready" for row in report.get("layers") or ())


def _works(member: Member) -> bool:
    return bool(member.progress) and (member.progress or {}).get("waitingFor") != OPERATOR


def joins(member: Member, now: float) -> bool:
    """Return whether a host joins: it works and has no Node yet, or joins again, for half an hour at most."""
    if not _works(member):
        return False
    report = read_report(member.progress, False)
    if report is None or report.step not in (steps.JOIN_CONTROL_PLANE, steps.JOIN_WORKER):
        return not member.node
    return not member.node or (report.since is not None and now - report.since < FORMING)


def troubles_of(hub: Services, cluster: Cluster, listed: list[Member], now: float) -> list[Trouble]:
    """Return everything that is wrong with a cluster, worst first; nothing of a deleted one."""
    if cluster.record.phase == DELETED_PHASE:
        return []
    quiet = silent(hub, listed, now)
    report = {} if all_silent(quiet, listed) else fresh(hub, cluster, now)
    active = cluster.record.phase == ACTIVE
    present = [member for member in listed if member.machine["state"] == wire.PRESENT]
    forming = is_forming(hub, cluster, listed, now)
    joining = [member for member in present if forming or joins(member, now)]
    ready_soon = {member.machine["nodeName"] for member in joining}
    late = [member for member in present if report and member.node.get("ready") is not True and member not in joining]
    absent = [member for member in late if not member.node]
    return troubles(
        Facts(
            formed=active and cluster.head["done"] is not None,
            controls=[_control(hub, member, now) for member in present if form.is_control_plane(member.pool["config"])],
            not_ready=[member.machine["nodeName"] for member in late if member.node],
            not_joined=[member.machine["nodeName"] for member in absent if not member.report.get("appliedDigest")],
            no_node=[member.machine["nodeName"] for member in absent if member.report.get("appliedDigest")],
            owners=owners(hub, listed, now),
            etcd=_names(
                item
                for item in report.get("etcd") or ()
                if item.get("healthy") is False and not forming and item.get("name") not in ready_soon
            ),
            silent=list(quiet.items()) if report else [],
            full=_names(item for item in report.get("etcd") or () if NOSPACE in (item.get("alarms") or ())),
            layers=_names(item for item in report.get("layers") or () if item.get("state") in _FAILED),
            failed=_failed(hub, cluster, listed),
            certificates=_ends(hub, cluster) if active else (),
            stuck=bool((cluster.head.get("judged") or {}).get("stuck")),
        ),
        now,
    )


def _control(hub: Services, member: Member, now: float) -> Control:
    api = (member.report.get("api") or {}).get("ready")
    ready = api if isinstance(api, bool) else None
    return Control(member.machine["hostName"], is_silent(hub, member, now), ready)


def _names(rows: Iterable[Json]) -> list[str]:
    return [str(row.get("name") or "-") for row in rows]


def _failed(hub: Services, cluster: Cluster, listed: list[Member]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the steps that wait for an operator, each with its host and the last line of its log."""
    rows: list[tuple[str, tuple[str, ...]]] = []
    for member in listed:
        if not member.progress:
            continue
        report = report_of(hub, cluster, member)
        if report is not None and report.operator:
            spec = steps.BY_ID.get(report.step)
            title = f"{spec.title} {report.layer}".rstrip() if spec is not None else report.step
            name = member.machine["hostName"]
            text = f"{title} failed on {name}" + (f": {report.error.rstrip('.')}" if report.error else "")
            rows.append((text, (name,)))
    return rows


def _ends(hub: Services, cluster: Cluster) -> list[tuple[str, str, float]]:
    """Return name, node and end of the certificates: their ends stay true however old the report is."""
    rows = []
    for row in hub.part(Reports).document(cluster.uid).get("certificates") or ():
        try:
            end = times.parse(str(row.get("notAfter") or ""))
        except ValueError:
            end = None
        if end is not None:
            rows.append((clean(row.get("name") or "-", 80), clean(row.get("node") or "-", 80), end))
    return rows


def _since(row: Trouble, since: float | None) -> str | None:
    """Return since when something is wrong: its own time, else since the cluster is unhealthy."""
    at = row.since if row.since is not None else None if row.kind in MILD else since
    return None if at is None else times.rfc3339(at)


def observed(hub: Services, cluster: Cluster, listed: list[Member], now: float) -> Json:
    """Return what is wrong and what the leader reported last, for documents; `reportedAt` beside it has its age."""
    report = hub.part(Reports).document(cluster.uid)
    judged = cluster.head.get("judged") or {}
    since = judged.get("since") if judged.get("health") == "UnHealthy" else None
    ends = soonest(_ends(hub, cluster))
    present = [member for member in listed if member.machine["state"] == wire.PRESENT]
    ready = sum(1 for member in present if member.node.get("ready") is True) if report else None
    return {
        "problems": [
            {
                "kind": row.kind,
                "text": row.text,
                "hosts": list(row.hosts),
                "since": _since(row, since),
            }
            for row in troubles_of(hub, cluster, listed, now)
        ],
        "nodes": {"ready": ready, "total": len(present)},
        "leader": str(report.get("leader") or ""),
        "etcd": list(report.get("etcd") or ()),
        "layers": _layers(cluster, report),
        "certificates": list(report.get("certificates") or ()),
        "firstEnd": None if ends is None else {"name": ends[0], "node": ends[1], "notAfter": times.rfc3339(ends[2])},
        "forming": is_forming(hub, cluster, listed, now),
        "change": _change(cluster, listed, now),
    }


def _layers(cluster: Cluster, report: Json) -> list[Json]:
    """Return the layers in the order of their installation, with version and state; `-` for one without a report."""
    reported = {str(row.get("name") or ""): row for row in report.get("layers") or ()}
    pack_of = cluster.head["packOf"]
    packs = {pack["name"]: pack for profile in cluster.head["profiles"] for pack in profile["packs"]}
    rows = []
    for name in dict.fromkeys([*pack_of, *reported]):
        row, pack = reported.get(name, {}), packs.get(pack_of.get(name, ""), {})
        rows.append(
            {
                "name": name,
                "pack": str(pack.get("name") or ""),
                "version": str(pack.get("tag") or row.get("version") or ""),
                "state": str(row.get("state") or ""),
                "message": str(row.get("message") or ""),
                "contested": row.get("contested"),
            }
        )
    return rows


def _change(cluster: Cluster, listed: list[Member], now: float) -> str:
    """Return what is still to be done for the present document, empty when nothing is."""
    if cluster.record.phase != ACTIVE or cluster.head["done"] is None:
        return ""
    if (cluster.head.get("repave") or {}).get("state") == "Pending":
        return "waits for approval"
    leaving = [member.machine["hostName"] for member in listed if member.machine["state"] != wire.PRESENT]
    if leaving:
        return f"{leaving[0]} leaves" if len(leaving) == 1 else f"{len(leaving)} hosts leave"
    joining = [member.machine["hostName"] for member in listed if joins(member, now)]
    if joining:
        return f"{joining[0]} joins" if len(joining) == 1 else f"{len(joining)} hosts join"
    done = sum(1 for member in listed if member.report.get("appliedDigest") == cluster.record.digest)
    return f"applied by {done} of {len(listed)}" if done < len(listed) else ""
