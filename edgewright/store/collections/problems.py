"""Problems of the model, worst first: the rules of `core.problems` on the rows of the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from edgewright.core.hosts.condition import of_rejection
from edgewright.core.problems import (
    DISK_FULL,
    AlertState,
    ClusterState,
    HostState,
    Problem,
    alert_problem,
    approval_problem,
    certificate_problem,
    cluster_problem,
    host_problems,
    ranked,
)
from edgewright.core.times import duration
from edgewright.store.collections.alerts import ALERTS, AlertRow
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.conditions import condition_of, is_silent, rejection
from edgewright.store.collections.handling import HANDLING
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.selectors import ending, longest_first, waits_for_approval
from edgewright.store.engine.model import Model

__all__ = ["DISK_FULL", "Problem", "alert_of", "explain", "is_acknowledged", "is_handled", "is_silent", "problems"]


def problems(model: Model, now: float, limit: int | None = None) -> list[Problem]:
    """Return the problems of the model, worst first (`core.problems.ranked`); acknowledged and silenced ones last."""
    *_, last = problems_in_slices(model, now, len(model.hosts) or 1)
    result = ranked(last or ())
    result.sort(key=lambda problem: is_handled(model, problem.key, now))
    return result if limit is None else result[:limit]


def problems_in_slices(model: Model, now: float, size: int) -> Iterator[list[Problem] | None]:
    """Yield None after every `size` hosts that were looked at, and at the end the problems of the model, not sorted.

    Looking at 30,000 hosts in one go takes 13 to 26 ms, for which a key waits on the event loop.
    """
    states: list[HostState] = []
    waiting: list[HostRow] = []
    for piece in _pieces(model, size):
        for row in piece:
            if row.health == "unhealthy" or (row.disk_percent is not None and row.disk_percent >= DISK_FULL):
                states.append(_state(row))
            if waits_for_approval(row):
                waiting.append(row)
        yield None
    known = dict.fromkeys((state.site for state in states if state.silent and state.site), 0)
    for piece in _pieces(model, size) if known else ():
        for row in piece:
            if row.site in known and row.health != "unknown":
                known[row.site] += 1
        yield None
    duplicates = {
        uid for row in model.rows(ALERTS).values() if row.kind == "duplicate-identity" for uid in row.host_uids
    }
    clusters = list(_clusters(model))
    steps = {uid for problem in clusters if problem.kind == "step" for uid in problem.uids}
    of_hosts = (
        problem
        for problem in host_problems(states, known, duplicates)
        if problem.kind != "step" or not steps.issuperset(problem.uids)  # that of the cluster explains more
    )
    parts = (_alerts(model), _approvals(model, waiting), _endings(model, now), _certificates(model, now))
    yield [*clusters, *(problem for part in parts for problem in part), *of_hosts]


def _pieces(model: Model, size: int) -> Iterator[list[HostRow]]:
    rows = iter(model.hosts.values())
    while piece := list(islice(rows, size)):
        yield piece


def is_acknowledged(model: Model, key: str) -> bool:
    """Return whether a user has acknowledged the problem `key`, on the plane or in this console."""
    row = model.rows(HANDLING).get(key)
    return key in model.acknowledged or (row is not None and row.acknowledged_at is not None)


def is_handled(model: Model, key: str, now: float) -> bool:
    """Return whether the problem `key` is below the others: acknowledged, or silenced at `now`."""
    row = model.rows(HANDLING).get(key)
    return is_acknowledged(model, key) or (row is not None and row.silenced(now))


def alert_of(model: Model, key: str) -> AlertRow | None:
    """Return the plane's alert behind the problem `key`, `None` for a problem of another kind."""
    if not key.startswith("alert/"):
        return None
    return next((row for row in model.rows(ALERTS).values() if row.problem == key), None)


def explain(model: Model, row: HostRow, now: float, others: Sequence[HostRow] | None = None) -> str:
    """Return sentences on one host: what is wrong with it, and what its neighbours prove about the link.

    `others` are the other hosts of its site, where the caller knows them: finding them looks at every host.
    """
    if row.health != "unhealthy":
        return row.reason
    if not is_silent(row):
        return row.reason or f"{row.name} reports that it is unhealthy, without a reason."
    since = (
        f"No heartbeat from {row.name} for {duration(now - row.last_seen)}."
        if row.last_seen is not None
        else row.reason
    )
    cause = condition_of(model, row, now, others).cause
    return " ".join(filter(None, (since or f"No heartbeat from {row.name}.", cause)))


def _alerts(model: Model) -> Iterator[Problem]:
    for row in model.rows(ALERTS).values():
        hosts = tuple(uid for uid in row.host_uids if uid in model.hosts)
        state = of_rejection(rejection(row)) if row.kind == "rejected" else ""
        alert = AlertState(row.uid, row.kind, row.code, row.subject, row.text, row.hint, row.since, row.owner, hosts)
        yield alert_problem(alert._replace(state=state))


def _clusters(model: Model) -> Iterator[Problem]:
    for row in model.rows(CLUSTERS).values():
        for each in row.problems:
            if each.kind == "silent":
                continue  # each of these hosts is a problem of its own
            hosts = tuple(uid for uid in each.uids if uid in model.hosts)
            yield cluster_problem(ClusterState(row.uid, row.name, each.kind, each.text, each.since, hosts))
        if row.health == "unhealthy" and not row.problems:  # a plane that gives no list of what is wrong
            text = row.reason or "reported unhealthy without a reason"
            yield cluster_problem(ClusterState(row.uid, row.name, "", text, None, ()))


def _approvals(model: Model, waiting: list[HostRow]) -> Iterator[Problem]:
    rejected = {uid for row in model.rows(ALERTS).values() if row.kind == "rejected" for uid in row.host_uids}
    for row in longest_first(waiting):
        if row.uid not in rejected:  # else its alert explains more: why it is rejected
            yield approval_problem(row.uid, row.name, row.reason, row.since or row.created)


def _endings(model: Model, now: float) -> Iterator[Problem]:
    for each in ending(model, now):
        if each.collection.ending is not None:
            yield each.collection.ending.problem(each.row, now)


def _certificates(model: Model, now: float) -> Iterator[Problem]:
    for name, ends, renewed in model.source.certificates:
        problem = certificate_problem(name, ends, now, renewed)
        if problem is not None:
            yield problem


def _state(row: HostRow) -> HostState:
    unhealthy = row.health == "unhealthy"
    return HostState(
        uid=row.uid,
        name=row.name,
        site=row.site,
        unhealthy=unhealthy,
        silent=unhealthy and is_silent(row),
        reason=row.reason,
        since=row.since,
        last_seen=row.last_seen,
        disk_percent=row.disk_percent,
        disk_mount=row.disk_mount,
    )
