"""The condition of a host from its row, the plane's alerts about it and the other hosts of its site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.core.hosts import states
from edgewright.core.hosts.condition import Condition, Facts, Rejection, evaluate, of_rejection, rejected
from edgewright.core.hosts.health import GRACE
from edgewright.core.hosts.operations import kind_text, operation_status
from edgewright.store.collections.alerts import ALERTS, AlertRow
from edgewright.store.collections.document_values import EXTENSION, flag, integer, part, text, tidy, value, when
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.operations import OperationRow
from edgewright.store.collections.selectors import neighbours
from edgewright.store.engine.model import Model
from edgewright.wire import protocol

MOST = 8
"""Addresses of a rejected machine that are taken from a document."""


def condition_of(model: Model, row: HostRow, now: float, others: Sequence[HostRow] | None = None) -> Condition:
    """Return the condition of a host of the model.

    `others` are the other hosts of its site, where the caller knows them: finding them looks at every host.
    """
    others = neighbours(model, row) if others is None else others
    return condition_of_row(row, now, rejection_of(model, row.uid), others)


def condition_of_row(
    row: HostRow, now: float, rejection: Rejection | None = None, others: Sequence[HostRow] = ()
) -> Condition:
    """Return the condition of a host, as far as its row and what the caller knows beside it show it."""
    known = [other for other in others if other.health != "unknown"]
    return evaluate(
        Facts(
            name=row.name or row.uid,
            state=state_key(row, now, rejection),
            since=row.since if row.since is not None else row.created,
            created=row.created,
            registered=row.registered,
            last_heartbeat=row.last_seen,
            silence_deadline=row.deadline,
            silence_limit=row.silence_limit,
            interval=row.beat,
            message=row.reason,
            site=row.site,
            responding=sum(1 for other in known if not is_silent(other)),
            known=len(known),
            rejection=rejection,
        ),
        now,
    )


def operation_condition(model: Model, row: OperationRow, now: float) -> Condition:
    """Return the condition of an operation whose result is waited for."""
    host = model.hosts[row.host_uid]
    facts = Facts(
        name=host.name,
        state=operation_status(now, row.state, row.deadline, row.finished is not None).state
        or states.OPERATION_PENDING,
        since=row.at or None,
        last_heartbeat=host.last_seen,
        order=kind_text(row.kind),
        order_deadline=row.deadline,
    )
    return evaluate(facts, now)


def state_key(row: HostRow, now: float, rejection: Rejection | None = None) -> str:
    """Return the key of the state that a host is in at `now`."""
    if rejection is not None and rejected(rejection, row.last_seen):
        return of_rejection(rejection)
    if row.state == "unpaired" and row.who == "person":  # the plane rejects it, and its alert is not here
        return states.CREDENTIAL_REFUSED
    if row.health == "unhealthy":
        return states.UNHEALTHY_SILENT if is_silent(row) else states.UNHEALTHY_REPORTED
    if row.health == "healthy":
        return states.SILENT if _is_late(row, now) else states.HEALTHY
    return states.NEVER_SEEN if row.state == "unpaired" and row.registered is None else states.REGISTERED


def rejection_of(model: Model, uid: str) -> Rejection | None:
    """Return the rejections of the machine that registers with this UID, `None` when there are none now."""
    for row in model.rows(ALERTS).values():
        if row.kind == "rejected" and uid in row.host_uids:
            return rejection(row)
    return None


def rejection_in(document: Mapping[str, Any]) -> Rejection | None:
    """Return the rejections that the document of one host reports, `None` when it reports none."""
    report = part(part(part(document, "status"), EXTENSION), "rejection")
    since = when(report, "since")
    if since is None:
        return None
    count = max(1, integer(report, "attempts") or 1)
    last = when(report, "last")
    sent = value(report, "addresses")
    addresses = tuple(tidy(each) for each in sent[:MOST] if isinstance(each, str)) if isinstance(sent, list) else ()
    return Rejection(
        message=text(report, "message"),
        since=since,
        last=since if last is None else last,
        attempts=count,
        addresses=addresses,
        approval=flag(report, "approval"),
    )


def rejection(row: AlertRow) -> Rejection:
    """Return the rejections that an alert reports."""
    since, last = row.since or 0.0, row.last or row.since or 0.0
    return Rejection(row.message, since, last, row.count, row.addresses, row.code == protocol.E_HOST_NOT_PREREGISTERED)


def alert_condition(row: AlertRow, now: float) -> Condition | None:
    """Return the condition of a machine whose registration is rejected, `None` for alerts of another kind."""
    if row.kind != "rejected":
        return None
    known = rejection(row)
    return evaluate(Facts(row.subject, of_rejection(known), rejection=known), now)


def is_silent(row: HostRow) -> bool:
    """Return whether an unhealthy host is unhealthy because it is silent, and not because it reports a fault.

    A hub sends the deadline of the silence; a Palette sends no time, and calls a host unhealthy when it is silent.
    """
    if row.health != "unhealthy":
        return False
    if row.last_seen is None or row.deadline is None:
        return row.last_seen is None
    return row.deadline <= row.fetched_at + 1.0


def _is_late(row: HostRow, now: float) -> bool:
    if row.deadline is None or row.silence_limit is None:
        return False
    return now - (row.deadline - row.silence_limit) > GRACE * row.beat
