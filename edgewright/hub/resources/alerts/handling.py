"""Who handles a problem: acknowledged, assigned, noted, silenced. Stored by the problem's key (rule P57).

The key names the problem and its cause, so another cause is another record. An acknowledgement ends when its problem
has ended; assignee and note stay for `RETAIN`, so that they are there when the problem comes back. A silence ends by
its time alone: it may cover maintenance during which the problem comes and goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, select

from edgewright.core import times
from edgewright.core.roles import Scope
from edgewright.hub.db import schema
from edgewright.hub.db.shared.rows import queue
from edgewright.hub.http import problems
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.readmodel.changes import Changes

MOST = 1000
"""Records of one project (or without a project) at most."""
RETAIN = 7 * 86_400.0
"""Seconds for which assignee and note outlive their problem."""
ENDED_AFTER = 60.0
"""Seconds for which a problem must be absent before its acknowledgement ends: one lost heartbeat is not a recovery."""
_TABLE = schema.handling


class HandlingRecord(msgspec.Struct, frozen=True):
    """One row; times in epoch seconds. `gone_at` is since when there is no such problem."""

    key: str
    project_uid: str
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    assignee: str = ""
    note: str = ""
    silenced_until: float | None = None
    updated_by: str = ""
    updated_at: float = 0.0
    gone_at: float | None = None

    def document(self) -> dict[str, Any]:
        """Return the record as readers get it; an unset time is `null`."""
        return {
            "key": self.key,
            "acknowledgedBy": self.acknowledged_by,
            "acknowledgedAt": _when(self.acknowledged_at),
            "assignee": self.assignee,
            "note": self.note,
            "silencedUntil": _when(self.silenced_until),
            "updatedBy": self.updated_by,
            "updatedAt": times.rfc3339(self.updated_at),
        }

    @property
    def empty(self) -> bool:
        """Whether nothing is left to store."""
        return not (self.acknowledged_by or self.assignee or self.note or self.silenced_until is not None)

    def silenced(self, now: float) -> bool:
        """Whether nothing is to be sent about the problem now."""
        return self.silenced_until is not None and now < self.silenced_until


def _when(moment: float | None) -> str | None:
    return None if moment is None else times.rfc3339(moment)


class Handling:
    """All records, as they are in the database. Used on the event loop only, apart from `store` and `load`."""

    def __init__(self, records: dict[str, HandlingRecord], changes: Changes) -> None:
        self.records = records
        self._changes = changes

    def get(self, key: str) -> HandlingRecord | None:
        """Return the record of a problem."""
        return self.records.get(key)

    def documents(self, scope: Scope) -> list[dict[str, Any]]:
        """Return the records that a reader of a scope may see, by key."""
        shown = (record for record in self.records.values() if visible(record.project_uid, scope))
        return [record.document() for record in sorted(shown, key=lambda record: record.key)]

    @staticmethod
    def stored(tx: Tx, key: str) -> HandlingRecord | None:
        """Return the record of a problem as this transaction sees it: memory is behind within a batch.

        No other transaction decides about this problem until this one ends; there may be no row to lock.
        """
        queue(tx, f"handling {key}")
        row = tx.first(select(_TABLE).where(_TABLE.c.key == key))
        return None if row is None else HandlingRecord(**row._mapping)

    @staticmethod
    def count(tx: Tx, project_uid: str) -> int:
        """Return how many records a project has; no other transaction adds one until this one ends."""
        queue(tx, f"handled {project_uid}")
        rows = tx.first(select(func.count()).select_from(_TABLE).where(_TABLE.c.project_uid == project_uid))
        return int(rows[0])

    def store(self, tx: Tx, before: HandlingRecord | None, after: HandlingRecord) -> None:
        """Write a record, or delete it when nothing is left in it; memory and readers follow after the commit."""
        if before is not None:
            tx.run(_TABLE.delete().where(_TABLE.c.key == after.key))
        if not after.empty:
            tx.run(_TABLE.insert().values(**msgspec.structs.asdict(after)))
        if after.empty:
            tx.removed(after)
        else:
            tx.changed(after)

    def drop(self, key: str) -> None:
        """Forget a record that was deleted."""
        self.records.pop(key, None)

    def take(self, after: HandlingRecord) -> None:
        """Take a record that became durable; readers get it when they see a difference."""
        before = self.records.get(after.key)
        self.records[after.key] = after
        if before is None or before.document() != after.document():
            self._changes.publish("handling", protocol.CHANGE_PUT, after.key, after.project_uid, after.document())

    def outdated(self, present: Callable[[str], bool], now: float) -> Iterable[tuple[HandlingRecord, HandlingRecord]]:
        """Yield each record that time or the end of its problem changes, and what becomes of it."""
        for record in list(self.records.values()):
            newer = aged(record, present(record.key), now)
            if newer != record:
                yield record, newer


def aged(record: HandlingRecord, present: bool, now: float) -> HandlingRecord:
    """Return a record as it is at `now`, given whether its problem is `present`."""
    change = msgspec.structs.replace
    if record.silenced_until is not None and now >= record.silenced_until:
        record = change(record, silenced_until=None)
    if present:
        return record if record.gone_at is None else change(record, gone_at=None)
    if record.gone_at is None or record.gone_at > now:  # the second: the clock was set back
        return change(record, gone_at=now)
    if record.acknowledged_by and now - record.gone_at >= ENDED_AFTER:
        record = change(record, acknowledged_by="", acknowledged_at=None)
    if now - (record.gone_at or now) >= RETAIN:
        record = change(record, assignee="", note="")
    return record


def visible(project_uid: str, scope: Scope) -> bool:
    """Return whether a reader of a scope may see what belongs to a project, or to none, such as a site.

    A site may be of another project: without a role of the tenant it is not shown.
    """
    return scope.covers(project_uid) or (not project_uid and not scope.member)


def changed(record: HandlingRecord, body: dict[str, Any], raw: dict[str, Any], who: str, now: float) -> HandlingRecord:
    """Return a record after a PATCH; raises 422 for an end of a silence that cannot be.

    `raw` is the body as sent: `null` for `silencedUntil` ends the silence, and is not in the checked body.
    """
    after = record
    change = msgspec.structs.replace
    if "acknowledged" in body and bool(body["acknowledged"]) != bool(record.acknowledged_by):
        on = bool(body["acknowledged"])
        after = change(after, acknowledged_by=who if on else "", acknowledged_at=now if on else None)
    if "assignee" in body:
        after = change(after, assignee=str(body["assignee"]).strip())
    if "note" in body:
        after = change(after, note=str(body["note"]).strip())
    if "silencedUntil" in raw:
        after = change(after, silenced_until=_silence(body.get("silencedUntil"), now))
    return after if after == record else change(after, updated_by=who, updated_at=now)


def _silence(text: str | None, now: float) -> float | None:
    until = times.parse(text)
    if until is None:
        return None
    if not now < until <= now + protocol.MAX_SILENCE:
        days = int(protocol.MAX_SILENCE // 86_400)
        raise problems.invalid(
            problems.MAXIMUM, f"silencedUntil in body should be in the future and at most {days} days from now"
        )
    return until


def describe(before: HandlingRecord, after: HandlingRecord, name: str) -> str:
    """Return what a PATCH changed, as a sentence for the audit log."""
    parts: list[str] = []
    if before.acknowledged_by != after.acknowledged_by:
        parts.append("acknowledged" if after.acknowledged_by else "no longer acknowledged")
    if before.assignee != after.assignee:
        parts.append(f"assigned to {after.assignee}" if after.assignee else "no longer assigned")
    if before.note != after.note:
        parts.append(f"noted: {after.note}" if after.note else "its note removed")
    if before.silenced_until != after.silenced_until:
        until = after.silenced_until
        parts.append(f"silenced until {times.rfc3339(until)}" if until is not None else "no longer silenced")
    return f"Problem '{name}' is {', '.join(parts)}"
