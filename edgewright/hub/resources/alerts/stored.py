"""Incidents and waiting messages as rows: written in one transaction, so that a message is never lost or made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, func, select

from edgewright.hub.db import schema
from edgewright.hub.db.records import dump
from edgewright.hub.resources.alerts.incidents import Incident

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx

_PROBLEMS, _OUTBOX = schema.alert_problems, schema.alert_outbox
MOST_WAITING = 1_000
"""Messages that wait for one receiver at most; then the oldest is dropped, and counted."""


class Waiting(msgspec.Struct):
    """One message that waits: `uid` is the delivery id, the same for every attempt. `doc` is its JSON text."""

    id: int
    uid: str
    receiver_uid: str
    key: str
    event: str
    doc: str
    created: float
    attempts: int
    next_try: float


def load_incidents(connection: Connection) -> list[Incident]:
    """Return the incidents that receivers know of."""
    rows = connection.execute(select(_PROBLEMS)).all()
    return [
        msgspec.convert(
            {
                **msgspec.json.decode(row.doc),
                "scope": row.project_uid,
                "opened": row.opened,
                "notified": msgspec.json.decode(row.notified),
                "gone_at": row.gone_at,
            },
            Incident,
        )
        for row in rows
    ]


def _key(incident: Incident) -> str:
    return f"{incident.scope}/{incident.name}"


def store_incident(tx: Tx, incident: Incident) -> None:
    """Write an incident in place of its older row."""
    delete_incident(tx, incident)
    doc = {
        "name": incident.name,
        "key": incident.key,
        "problem": incident.problem,
        "uids": incident.uids,
        "changes": incident.changes,
        "seen": incident.seen,
    }
    tx.run(
        _PROBLEMS.insert().values(
            key=_key(incident),
            project_uid=incident.scope,
            opened=incident.opened,
            doc=dump(doc),
            notified=dump(incident.notified),
            gone_at=incident.gone_at,
        )
    )


def delete_incident(tx: Tx, incident: Incident) -> None:
    """Delete an incident; one that is not there is no error."""
    tx.run(_PROBLEMS.delete().where(_PROBLEMS.c.key == _key(incident)))


def next_waiting(connection: Connection, receiver_uid: str) -> Waiting | None:
    """Return the message that is due first for a receiver: they are sent in order."""
    query = select(_OUTBOX).where(_OUTBOX.c.receiver_uid == receiver_uid).order_by(_OUTBOX.c.id).limit(1)
    row = connection.execute(query).first()
    return None if row is None else Waiting(**row._mapping)


def counts(connection: Connection) -> dict[str, int]:
    """Return how many messages wait for each receiver."""
    query = select(_OUTBOX.c.receiver_uid, func.count()).group_by(_OUTBOX.c.receiver_uid)
    return {uid: int(count) for uid, count in connection.execute(query)}


def add_message(tx: Tx, receiver_uid: str, uid: str, key: str, event: str, doc: dict[str, Any]) -> int:
    """Queue a message; returns how many older ones were dropped to make room."""
    tx.run(
        _OUTBOX.insert().values(
            uid=uid, receiver_uid=receiver_uid, key=key, event=event, doc=dump(doc), created=tx.now, attempts=0,
            next_try=tx.now,
        )
    )  # fmt: skip
    mine = _OUTBOX.c.receiver_uid == receiver_uid
    excess = int(tx.first(select(func.count()).select_from(_OUTBOX).where(mine))[0]) - MOST_WAITING
    if excess <= 0:
        return 0
    oldest = [row.id for row in tx.all(select(_OUTBOX.c.id).where(mine).order_by(_OUTBOX.c.id).limit(excess))]
    return tx.run(_OUTBOX.delete().where(_OUTBOX.c.id.in_(oldest)))


def delete_message(tx: Tx, waiting: Waiting) -> int:
    """Delete a message that was delivered or given up."""
    return tx.run(_OUTBOX.delete().where(_OUTBOX.c.id == waiting.id))


def delay_message(tx: Tx, waiting: Waiting, attempts: int, next_try: float) -> None:
    """Note an attempt that failed."""
    tx.run(_OUTBOX.update().where(_OUTBOX.c.id == waiting.id).values(attempts=attempts, next_try=next_try))


def delete_messages_of(tx: Tx, receiver_uid: str) -> int:
    """Delete everything that waits for a receiver."""
    return tx.run(_OUTBOX.delete().where(_OUTBOX.c.receiver_uid == receiver_uid))
