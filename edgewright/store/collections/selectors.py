"""Selectors: questions that screens ask of a model, as pure functions of model and time."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from edgewright.core.hosts.operations import operation_status
from edgewright.store.collection import Collection
from edgewright.store.collections.alerts import ALERTS, PLANE, AlertRow
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.operations import OPERATIONS, OperationRow
from edgewright.store.collections.rows import targets_of
from edgewright.store.engine.model import PULSE_MINUTES, Minute, Model
from edgewright.store.every import ENDING

END_WARNING: Final = 7 * 86400.0
"""Seconds before its end from which a row that ends is reported."""
BY_SSH: Final = "ssh:"
"""How uids of what is known by SSH alone begin; `ssh:TARGET` is that of a connection to it."""
NO_SITE: Final = "-"
"""How hosts without a site tag are counted."""


class Counts(msgspec.Struct, frozen=True):
    """How many hosts are in each state, for one site, one tag or the fleet."""

    total: int = 0
    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0


def plane_troubles(model: Model) -> list[AlertRow]:
    """Return what is wrong with the management plane itself, the one that began first in front."""
    rows = [row for row in model.rows(ALERTS).values() if row.kind == PLANE]
    return sorted(rows, key=lambda row: (row.since if row.since is not None else float("inf"), row.uid))


def by_state(model: Model) -> dict[str, int]:
    """Return how many hosts are unpaired, ready and in-use."""
    tally = model.tally
    return {"unpaired": tally.unpaired, "ready": tally.ready, "in-use": tally.in_use}


def by_health(model: Model) -> dict[str, int]:
    """Return how many hosts are healthy, unhealthy and unknown."""
    tally = model.tally
    return {"healthy": tally.healthy, "unhealthy": tally.unhealthy, "unknown": tally.unknown}


def by_site(model: Model) -> dict[str, Counts]:
    """Return the counts for each site, hosts without one under `-`."""
    return _counts((row.site or NO_SITE, row) for row in model.hosts.values())


def alone_by_ssh(model: Model) -> dict[str, HostRow]:
    """Return the hosts that are open by SSH and that the plane does not have, or not under a uid that is known."""
    return {uid: row for uid, row in model.site_hosts.items() if row.plane_uid not in model.hosts}


def listed_hosts(model: Model) -> Mapping[str, HostRow]:
    """Return the hosts of the plane, and those that are open by SSH alone."""
    alone = alone_by_ssh(model) if model.site_hosts else {}
    return ChainMap(alone, model.hosts) if alone else model.hosts


def open_by_ssh(model: Model, uid: str) -> HostRow | None:
    """Return what SSH knows of a host of the plane, where it is open by SSH too."""
    return next((row for row in model.site_hosts.values() if row.plane_uid == uid), None) if uid else None


def way_to(rows: Mapping[str, HostRow] | Mapping[str, ClusterRow], uid: str) -> str:
    """Return `ssh:TARGET` of a connection that is up and leads to what `uid` (`ssh:TARGET`) names.

    A row has the uid of one of its connections. `uid` itself is returned where it is up, or none is.
    """
    target = uid.removeprefix(BY_SSH)
    row = rows.get(uid) or next((each for each in rows.values() if target in targets_of(each.sites)), None)
    return uid if row is None or not row.way or f"open {target}" in row.sites else row.way


def row_of_site(rows: Mapping[str, ClusterRow], targets: Iterable[str]) -> ClusterRow | None:
    """Return the cluster that is read through one of these connections now."""
    wanted = frozenset(targets)
    return next((row for row in rows.values() if not wanted.isdisjoint(targets_of(row.sites))), None)


def listed_clusters(model: Model) -> dict[str, ClusterRow]:
    """Return the clusters of the plane, and those that are known by SSH alone."""
    rows = dict(model.rows(CLUSTERS))
    if model.site_clusters:
        of_plane = {uid for row in rows.values() for uid in (row.uid, *row.host_uids)}
        rows |= {uid: row for uid, row in model.site_clusters.items() if of_plane.isdisjoint(row.plane_uids)}
    return rows


def longest_first(rows: Iterable[HostRow]) -> list[HostRow]:
    """Return hosts that wait for approval, the longest waiting first."""
    return sorted(rows, key=lambda row: (row.since or row.created or 0.0, row.uid))


def waits_for_approval(row: HostRow) -> bool:
    """Whether an operator has to approve this host."""
    return row.state == "unpaired" and row.who == "person"


class Ends(msgspec.Struct, frozen=True):
    """A row that ends: its collection, the row, and when (epoch seconds)."""

    collection: Collection[Any]
    row: Any
    at: float


def ending(model: Model, now: float, within: float = END_WARNING) -> list[Ends]:
    """Return the rows that end within `within` seconds or have ended, the soonest first."""
    matches = [
        Ends(collection, row, at)
        for collection in ENDING
        for row in model.rows(collection).values()
        if collection.ending is not None and (at := collection.ending.at(row)) is not None and at - now <= within
    ]
    return sorted(matches, key=lambda each: (each.at, each.row.uid))


def neighbours(model: Model, row: HostRow) -> list[HostRow]:
    """Return the other hosts of the same site, by name."""
    if not row.site:
        return []
    result = (other for other in model.hosts.values() if other.site == row.site and other.uid != row.uid)
    return sorted(result, key=lambda other: (other.name, other.uid))


def waiting_operations(model: Model, now: float) -> list[OperationRow]:
    """Return operations whose result is waited for or overdue (`core.hosts.operations`), the overdue and oldest first.

    Those of deleted hosts are left out: there will be no answer.
    """
    matches = [
        (judged.left if judged.left is not None else float("inf"), row.at, row.uid, row)
        for row in model.rows(OPERATIONS).values()
        if row.host_uid in model.hosts
        and (judged := operation_status(now, row.state, row.deadline, row.finished is not None)).waits
    ]
    return [row for _left, _at, _uid, row in sorted(matches, key=lambda item: item[:3])]


def operations_of(model: Model, host: str, limit: int = 20) -> list[OperationRow]:
    """Return the newest operations of a host, the newest first."""
    rows = [row for row in model.rows(OPERATIONS).values() if row.host_uid == host]
    return sorted(rows, key=lambda row: (row.at, row.uid), reverse=True)[:limit]


def minutes(model: Model, now: float) -> list[Minute | None]:
    """Return the last 60 minutes, oldest first; `None` for one in which the plane was not reached."""
    newest = int(now // 60)
    known: Mapping[int, Minute] = {entry.minute: entry for entry in model.pulse}
    return [known.get(minute) for minute in range(newest - PULSE_MINUTES + 1, newest + 1)]


def sparkline(model: Model, now: float, what: str = "heartbeats") -> list[float | None]:
    """Return the last hour minute by minute: `heartbeats` (a second) or `healthy` (share of the hosts, 0 to 1).

    A minute before the feed began, or while the plane was unreachable, is unknown and not 0. So is, for heartbeats, one
    that was not received completely: the first of a feed, and the present one.
    """
    if what not in ("heartbeats", "healthy"):
        raise ValueError(f"no sparkline of {what!r}")
    values: list[float | None] = []
    if what == "heartbeats":
        known = _complete_minutes(model, now)
        newest = int(now // 60)
        return [known.get(minute) for minute in range(newest - PULSE_MINUTES + 1, newest)]
    for entry in minutes(model, now):
        if entry is None:
            values.append(None)
        else:
            total = entry.healthy + entry.unhealthy + entry.unknown
            values.append(entry.healthy / total if total else 0.0)
    return values


def heartbeat_rate(model: Model, now: float, over: int = 5) -> float | None:
    """Return heartbeats a second over the last minutes that were received completely, `None` when there is none."""
    newest = int(now // 60)
    known = _complete_minutes(model, now)
    complete = [known[minute] for minute in range(newest - over, newest) if minute in known]
    return sum(complete) / len(complete) if complete else None


def _complete_minutes(model: Model, now: float) -> dict[int, float]:
    """Return heartbeats a second by minute, of those that are over and were received from their beginning.

    The feed was there at the beginning of a minute when it was there in the one before.
    """
    newest = int(now // 60)
    received = {entry.minute for entry in model.pulse}
    return {
        entry.minute: entry.heartbeats / 60.0
        for entry in model.pulse
        if entry.minute < newest and entry.minute - 1 in received
    }


def _counts(pairs: Iterable[tuple[str, HostRow]]) -> dict[str, Counts]:
    sums: dict[str, list[int]] = {}
    for key, row in pairs:
        entry = sums.setdefault(key, [0, 0, 0, 0])
        entry[0] += 1
        entry[1 if row.health == "healthy" else 2 if row.health == "unhealthy" else 3] += 1
    return {key: Counts(*entry) for key, entry in sums.items()}
