"""What is wrong now, worst first: the answer that Pulse opens with.

Hosts of one site that are all silent are one problem, the link, and not as many as there are hosts. A host that is
silent while its neighbours answer is a problem of that host. What waits for a person stands before all else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from edgewright.core.times import words
from edgewright.store.model import Model
from edgewright.store.rows import PLANE, HostRow
from edgewright.store.selectors import ending_tokens, neighbours, waiting_hosts

DISK_FULL: Final = 95.0
"""Percent used of a partition from which it is told of."""

_ALERT_EVENTS: Final = {
    "rejected": "reason:RegistrationRefused",
    "duplicate-identity": "reason:DuplicateIdentity",
    "duplicate-hardware": "reason:DuplicateHardware",
    PLANE: "kind:hub",
}
"""Kind of an alert -> filter of the events that tell its history."""

Section = Literal["person", "bad", "warn"]
_RANK: Final[dict[str, int]] = {"person": 0, "bad": 1, "warn": 2}


class Problem(msgspec.Struct, frozen=True):
    """One line of what is wrong.

    `key` stays the same while the problem lasts (for cursors and `Store.acknowledge`). `subject` is a host, site or
    token by name; `text` says what is wrong, `who` must act. `uids` are the hosts behind it, `target` the collection
    and key to open.
    """

    key: str
    section: Section
    kind: str
    subject: str
    text: str
    since: float | None
    who: str
    uids: tuple[str, ...] = ()
    target: tuple[str, str] = ("", "")
    acknowledged: bool = False


def problems(model: Model, now: float, limit: int | None = None) -> list[Problem]:
    """Return what is wrong, worst first: what waits for a person, what is not well, what will be; acknowledged last."""
    found = [*_alerts(model), *_approvals(model), *_tokens(model, now), *_unwell(model), *_disks(model)]
    marked = [
        msgspec.structs.replace(one, acknowledged=True) if one.key in model.acknowledged else one for one in found
    ]
    marked.sort(
        key=lambda one: (
            one.acknowledged,
            one.kind != PLANE,  # what the plane cannot do explains what is not seen of the hosts
            _RANK[one.section],
            -len(one.uids),
            one.since if one.since is not None else float("inf"),
            one.key,
        )
    )
    return marked if limit is None else marked[:limit]


def explain(model: Model, row: HostRow, now: float) -> str:
    """Return whole sentences on one host: what is wrong with it, what its neighbours say of that, where to look."""
    if row.health != "unhealthy":
        return row.reason
    if not is_silent(row):
        return row.reason or f"{row.name} says that it is unhealthy, and not why."
    told = f"No word from {row.name} for {words(now - row.last_seen)}." if row.last_seen is not None else row.reason
    told = told or f"No word from {row.name}."
    known = [other for other in neighbours(model, row) if other.health != "unknown"]
    answering = sum(1 for other in known if not (other.health == "unhealthy" and is_silent(other)))
    if known and not answering:
        others = f"{_the_others(len(known))} of {row.site} {'is' if len(known) == 1 else 'are'} silent too"
        return f"{told} {others}: look at the link of the site."
    if answering:
        return f"{told} {_answer(answering, len(known), row.site)}, so the link is up: look at the host."
    return told


def is_silent(row: HostRow) -> bool:
    """Whether an unhealthy host is so for its silence, and not by its own word.

    A hub tells the deadline of the silence; a Palette tells no clock, and calls a host unhealthy when it is silent.
    """
    if row.health != "unhealthy":
        return False
    if row.last_seen is None or row.deadline is None:
        return row.last_seen is None
    return row.deadline <= row.fetched_at + 1.0


def _alerts(model: Model) -> Iterator[Problem]:
    """Return what the plane itself reports: its own trouble, rejected boxes, two machines with one identity."""
    for row in model.alerts.values():
        hosts = tuple(uid for uid in row.host_uids if uid in model.hosts)
        yield Problem(
            key=row.problem,
            section="person",
            kind=row.kind,
            subject="plane" if row.kind == PLANE else row.subject,
            text=row.text,
            since=row.since,
            who=row.owner or "operator",
            uids=hosts,
            target=("hosts", hosts[0]) if len(hosts) == 1 else ("events", _ALERT_EVENTS.get(row.kind, "")),
        )


def _approvals(model: Model) -> Iterator[Problem]:
    rejected = {uid for row in model.alerts.values() if row.kind == "rejected" for uid in row.host_uids}
    for row in waiting_hosts(model):
        if row.uid in rejected:
            continue  # its alert says more: why it is not let in
        yield Problem(
            key=f"approval/{row.uid}",
            section="person",
            kind="approval",
            subject=row.name,
            text=row.reason or "waits for approval",
            since=row.since or row.created,
            who="person",
            uids=(row.uid,),
            target=("hosts", row.uid),
        )


def _tokens(model: Model, now: float) -> Iterator[Problem]:
    for row in ending_tokens(model, now):
        left = (row.expiry or 0.0) - now
        yield Problem(
            key=f"token/{row.uid}",
            section="person" if left > 0 else "warn",
            kind="token",
            subject=row.name or row.uid,
            text=f"token ends in {words(left)}" if left > 0 else f"token ended {words(-left)} ago; hosts cannot use it",
            since=row.expiry if left <= 0 else None,
            who="person",
            target=("tokens", row.uid),
        )


def _unwell(model: Model) -> Iterator[Problem]:
    doubled = {uid for alert in model.alerts.values() if alert.kind == "duplicate-identity" for uid in alert.host_uids}
    sick = [
        row
        for row in model.hosts.values()
        if row.health == "unhealthy" and (row.uid not in doubled or is_silent(row))  # its alert says the same
    ]
    if not sick:
        return
    quiet: dict[str, list[HostRow]] = {}
    for row in sick:
        if row.site and is_silent(row):
            quiet.setdefault(row.site, []).append(row)
    known: dict[str, int] = {}
    for row in model.hosts.values():
        if row.site in quiet and row.health != "unknown":
            known[row.site] = known.get(row.site, 0) + 1
    cut_off = {site for site, rows in quiet.items() if len(rows) >= 2 and len(rows) == known[site]}
    for site in sorted(cut_off):
        yield _link(site, quiet[site])
    for row in sick:
        if row.site not in cut_off:
            others = known.get(row.site, 1) - len(quiet.get(row.site, ()))
            yield _host(row, others)


def _link(site: str, rows: Sequence[HostRow]) -> Problem:
    told = [moment for row in rows if (moment := row.last_seen or row.since) is not None]
    return Problem(
        key=f"site/{site}",
        section="bad",
        kind="link",
        subject=site,
        text=f"link down, {len(rows)} hosts behind it",
        since=max(told) if told else None,
        who="carrier",
        uids=tuple(sorted(row.uid for row in rows)),
        target=("site", site),
    )


def _host(row: HostRow, others: int) -> Problem:
    silent = is_silent(row)
    if silent:
        text = "no heartbeat; its neighbours answer" if row.site and others > 0 else "no heartbeat"
    else:
        text = row.reason or "unhealthy by its own word, with no reason"
    return Problem(
        key=f"host/{row.uid}",
        section="bad",
        kind="silent" if silent else "unhealthy",
        subject=row.name,
        text=text,
        since=row.since or row.last_seen,
        who=row.who or "person",
        uids=(row.uid,),
        target=("hosts", row.uid),
    )


def _disks(model: Model) -> Iterator[Problem]:
    for row in model.hosts.values():
        if row.disk_percent is not None and row.disk_percent >= DISK_FULL and row.health != "unhealthy":
            yield Problem(
                key=f"disk/{row.uid}",
                section="warn",
                kind="disk",
                subject=row.name,
                text=f"disk {row.disk_mount or '?'} {row.disk_percent:.0f} %",
                since=None,
                who="person",
                uids=(row.uid,),
                target=("hosts", row.uid),
            )


def _the_others(count: int) -> str:
    return "The other host" if count == 1 else f"The other {count} hosts"


def _answer(answering: int, known: int, site: str) -> str:
    if answering == known:
        return f"{_the_others(known)} of {site} answer{'s' if known == 1 else ''}"
    return f"{answering} of the other {known} hosts of {site} answer{'s' if answering == 1 else ''}"
