"""What was reported of the health of hosts: of several hubs that see the same change, one stores its event.

The row of a host's heartbeats has the health that was reported last. A change is stored with its event in one
transaction, and only where the row has another health so far, and no heartbeat that the hub which judged did not know:
neither one of a later time, nor one of a higher number. A hub may know no heartbeat but a late one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Connection, select

from edgewright.hub.db import schema
from edgewright.hub.db.beats import ANY_NUMBER
from edgewright.hub.db.events import host_event, store_new_events

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.readmodel.state import State

SKEW: Final = 0.1
"""Seconds that the time of two hubs may differ when a heartbeat decides: both have the clock of their database. A host
that reports another state with each heartbeat must not be judged by the one before the stored one; what is refused
wrongly is stored some seconds later (`resources/hosts/reported.py`)."""
MARGIN: Final = 1.0
"""Seconds by which a stored heartbeat may be later than the one that silence was counted from: two hubs that take
heartbeats of one host at the same moment store the later time of both."""


FIRST: Final = "HostHealthy"
"""Reason of the event of a host's first heartbeat."""


class Transition(NamedTuple):
    """A change of a host's health, as a hub judged it by a heartbeat of `at` (or by its silence since then)."""

    uid: str
    health: str
    at: float | None
    silent: bool
    project_uid: str
    document: dict[str, Any] | None
    """Its event; some changes have none."""
    boot_id: str = ""
    seq: int = ANY_NUMBER
    """Boot and number of the heartbeat, where a later one of that boot may be stored already."""


_SQLITE: Final = """
UPDATE heartbeats SET health = :health FROM json_each(:hosts) AS h
WHERE heartbeats.uid = json_extract(h.value, '$[0]') AND heartbeats.health <> :health
    AND (heartbeats.at IS NULL OR heartbeats.at <= json_extract(h.value, '$[1]')) RETURNING heartbeats.uid"""
_POSTGRESQL: Final = """
UPDATE heartbeats AS b SET health = %(health)s FROM json_array_elements(%(hosts)s::json) AS h
WHERE b.uid = h.value ->> 0 AND b.health <> %(health)s AND (b.at IS NULL OR b.at <= (h.value ->> 1)::float8)
    AND NOT (b.boot_id = h.value ->> 2 AND b.seq > (h.value ->> 3)::bigint) RETURNING b.uid"""


def store_transitions(state: State, tx: Tx, transitions: Sequence[Transition]) -> set[str]:
    """Store changes of health with their events, each once whoever judged it; returns the hosts that were changed."""
    transitions = _returned(tx, transitions)
    moved: set[str] = set()
    for health in {transition.health for transition in transitions}:
        moved |= _move(tx.connection, health, [each for each in transitions if each.health == health])
    events = [
        (each.document, each.project_uid) for each in transitions if each.document is not None and each.uid in moved
    ]
    if events:
        store_new_events(state, tx, events)
    for each in transitions:
        if each.uid in moved:
            tx.emit("host", "put", each.uid, each.project_uid)
    return moved


def _returned(tx: Tx, transitions: Sequence[Transition]) -> Sequence[Transition]:
    """Return the changes, with the event of its return for a host that another hub had reported as unhealthy.

    To a hub that knows no heartbeat of a host yet, the one that it takes is the first of all.
    """
    first = [each.uid for each in transitions if each.document is not None and each.document["reason"] == FIRST]
    if not first or tx.connection.dialect.name != "postgresql":
        return transitions
    table = schema.heartbeats
    # All of them are locked before their health is looked at: the other hub may be about to commit its report.
    query = select(table.c.uid, table.c.health).where(table.c.uid.in_(first)).order_by(table.c.uid).with_for_update()
    back = {row.uid for row in tx.all(query) if row.health == "unhealthy"}
    return [
        each._replace(document=host_event(each.uid, each.uid, "Info", "HostRecovered", f"{each.uid} is back."))
        if each.uid in back
        else each
        for each in transitions
    ]


def _move(connection: Connection, health: str, transitions: Iterable[Transition]) -> set[str]:
    hosts = [
        (each.uid, 0.0 if each.at is None else each.at + (MARGIN if each.silent else SKEW), each.boot_id, each.seq)
        for each in transitions
    ]
    statement = _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE
    rows = connection.exec_driver_sql(statement, {"health": health, "hosts": json.dumps(hosts)})
    return {row[0] for row in rows.all()}


def begin_with(tx: Tx, judged: dict[str, str]) -> int:
    """Note what a hub judged at its start as reported, without events; returns how many rows changed."""
    table = schema.heartbeats
    rows = tx.all(select(table.c.uid, table.c.health))
    other = [(judged[row.uid], row.uid) for row in rows if judged.get(row.uid, row.health) != row.health]
    for health in {health for health, _ in other}:
        hosts = [Transition(uid, health, float(2**53), False, "", None) for wanted, uid in other if wanted == health]
        _move(tx.connection, health, hosts)
    return len(other)
