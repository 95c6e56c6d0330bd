"""Alerts as rows of the database, so that every hub on it shows the same ones (rule P39).

What a hub saw of a cause (a *sighting*) is added to the row: several hubs may see one cause, so counts are added up and
texts are those of the newest. The event of an alert is stored with its first row, so it is one event whoever saw it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Column, Connection, Float, String, Table, Text, select

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.events import store_event
from edgewright.hub.db.shared.rows import insert_new, locked

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.readmodel.state import State

ADDRESSES: Final = 4
"""Newest addresses that an alert names."""

TABLE: Final = Table(
    "alerts",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("last", Float, nullable=False),
    Column("doc", Text, nullable=False),
)
"""The present alerts. `last`: when the cause was seen last; `doc`: the JSON text of the `Alert`."""


class Alert(msgspec.Struct):
    """One alert. `last` is when its cause was seen last; it ends `quiet` seconds later (`None`: by `drop` only)."""

    uid: str
    kind: str
    subject: str
    text: str
    message: str
    hint: str
    code: str
    project_uid: str
    host_uids: tuple[str, ...]
    since: float
    last: float
    quiet: float | None
    addresses: tuple[str, ...] = ()
    count: int = 0

    def document(self) -> dict[str, Any]:
        """Return the alert as readers get it."""
        return {
            "uid": self.uid,
            "kind": self.kind,
            "subject": self.subject,
            "text": self.text,
            "message": self.message,
            "hint": self.hint,
            "code": self.code,
            "hostUids": list(self.host_uids),
            "addresses": list(self.addresses),
            "since": times.rfc3339(self.since),
            "last": times.rfc3339(self.last),
            "count": self.count,
            "owner": "operator",
        }

    @property
    def shown(self) -> tuple[object, ...]:
        """Return what readers get at once when it changes: all but count and time."""
        return (self.text, self.message, self.code, self.host_uids, self.addresses)

    def ended(self, now: float) -> bool:
        """Return whether its cause was not seen for long enough; also after the clock was set back."""
        return self.quiet is not None and not -self.quiet <= now - self.last < self.quiet

    def with_seen(self, newer: Alert) -> Alert:
        """Return the alert with further sightings of its cause, which `newer` counts."""
        addresses = self.addresses
        for address in newer.addresses:
            if address not in addresses:  # the order is that of their first time, so that lines stay calm
                addresses = (*addresses, address)[-ADDRESSES:]
        text = newer if newer.last >= self.last else self
        return msgspec.structs.replace(
            text, since=min(self.since, newer.since), last=max(self.last, newer.last),
            addresses=addresses, count=self.count + newer.count,
        )  # fmt: skip


class Sighting(msgspec.Struct):
    """What one hub saw of a cause since it stored the alert last.

    `first`: it knew of no alert before. Such a sighting makes one; any other is dropped with the alert, since a hub
    that ended it (the box was let in) did so after the sighting.
    """

    alert: Alert
    first: bool
    event: dict[str, Any] | None = None
    """Stored with the first row of the alert."""


def load_alerts(connection: Connection, uids: Sequence[str] | None = None) -> dict[str, Alert]:
    """Return the alerts that exist of those; all of them without `uids`."""
    query = select(TABLE.c.uid, TABLE.c.doc)
    if uids is not None:
        query = query.where(TABLE.c.uid.in_(uids))
    return {row.uid: msgspec.json.decode(row.doc, type=Alert) for row in connection.execute(query)}


def store_alerts(state: State, tx: Tx, ended: dict[str, float], seen: Sequence[Sighting]) -> None:
    """Delete the alerts that have ended, then add what was seen.

    `ended` has the time of the last sighting that is known of each: one that was seen later, by another hub, stays.
    """
    for uid, last in sorted(ended.items()):
        stored = _locked(tx, uid)
        if stored is not None and stored.last <= last:
            tx.run(TABLE.delete().where(TABLE.c.uid == uid))
            tx.removed(stored)
    for sighting in sorted(seen, key=lambda sighting: sighting.alert.uid):
        _add(state, tx, sighting)


def _add(state: State, tx: Tx, sighting: Sighting) -> None:
    alert = sighting.alert
    stored = _locked(tx, alert.uid)
    if stored is None and not sighting.first:
        return
    if stored is None:
        if insert_new(tx, TABLE, {"uid": alert.uid, "last": alert.last, "doc": _text(alert)}):
            tx.changed(alert)
            if sighting.event is not None:
                store_event(state, tx, sighting.event, alert.project_uid)
            return
        stored = _locked(tx, alert.uid)  # another hub inserted it since a moment ago
        if stored is None:
            return
    alert = stored.with_seen(alert)
    tx.run(TABLE.update().where(TABLE.c.uid == alert.uid).values(last=alert.last, doc=_text(alert)))
    tx.changed(alert)


def _locked(tx: Tx, uid: str) -> Alert | None:
    row = tx.first(locked(select(TABLE.c.doc).where(TABLE.c.uid == uid)))
    return None if row is None else msgspec.json.decode(row.doc, type=Alert)


def _text(alert: Alert) -> str:
    return msgspec.json.encode(alert).decode()
