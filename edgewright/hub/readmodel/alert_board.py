"""Alerts: what needs an operator and is not the state of a host record (rules P39 and P81).

A box that is rejected again and again, two machines with one identity, two records of one machine. An alert exists for
as long as its cause continues and ends by itself. The alerts are rows of the database, which memory follows, so every
hub shows the same ones, each with what this process saw and has not stored yet: a cause that is seen each second is
stored at most every `STORE_EVERY` seconds, unless more than its count and time changed. An alert about the plane itself
is of this process alone: its trouble may be that it cannot store anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

import msgspec

from edgewright.core.roles import Scope
from edgewright.core.text import clean
from edgewright.hub.db.alerts import Alert, Sighting
from edgewright.hub.readmodel.changes import Changes
from edgewright.wire import protocol

__all__ = ["MOST", "PLANE", "TENANT", "Alert", "AlertBoard"]

PLANE = "plane"
"""Kind of the alerts about the management plane itself: every reader sees them, and no flood pushes them out."""
MOST = 500
"""Alerts at most; the one that was seen longest ago goes first, so that made-up names cannot fill the memory."""
TENANT = "*"
"""In place of a project: an alert about hosts of several projects, for readers of all projects only (rule P35)."""
STORE_EVERY = 20.0
"""Seconds between two stores of an alert of which only count and time changed."""


class AlertBoard:
    """The present alerts. Used on the event loop only."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._own: dict[str, Alert] = {}
        """About this process; in no database."""
        self._rows: dict[str, Alert] = {}
        """As the database has them."""
        self._stored_at: dict[str, float] = {}
        """When a row was taken, by the machine's clock that is never set."""
        self._seen: dict[str, Sighting] = {}
        """Not stored yet."""
        self._ended: dict[str, float] = {}
        """To be deleted, with the time of the last sighting that may be deleted with it."""
        self._storing: tuple[dict[str, Sighting], dict[str, float]] = ({}, {})
        """What is being stored: sightings and ends."""
        self.due = asyncio.Event()
        """Set when something is to be stored at once."""
        self.direct: Callable[[], bool] = lambda: False
        """Whether readers get a change before it is stored, since the storage fails."""

    def load(self, alerts: Iterable[Alert]) -> None:
        """Take the alerts of the database at the start."""
        self._rows.update((alert.uid, alert) for alert in alerts)

    def take(self, alert: Alert) -> None:
        """Take an alert that became durable, with what this process was storing of it."""
        self._rows[alert.uid] = alert
        self._stored_at[alert.uid] = monotonic()
        self._storing[0].pop(alert.uid, None)
        if alert.uid in self._seen:
            self._seen[alert.uid].first = False

    def forget(self, uid: str) -> None:
        """Drop an alert whose row was deleted, by this hub or another one."""
        self._rows.pop(uid, None)
        self._stored_at.pop(uid, None)
        self._storing[1].pop(uid, None)
        self._ended.pop(uid, None)
        if uid in self._seen and not self._seen[uid].first:
            del self._seen[uid]

    def _base(self, uid: str) -> Alert | None:
        """Return an alert without what was not stored yet."""
        if uid in self._own:
            return self._own[uid]
        if uid in self._ended:
            return None
        seen, ended = self._storing
        return _over(None if uid in ended else self._rows.get(uid), seen.get(uid))

    def get(self, uid: str) -> Alert | None:
        """Return an alert."""
        return _over(self._base(uid), self._seen.get(uid))

    def all(self) -> list[Alert]:
        """Return every alert, in the order of the last time."""
        uids = {**self._own, **self._rows, **self._storing[0], **self._seen}
        present = [alert for uid in uids if (alert := self.get(uid)) is not None]
        return sorted(present, key=lambda alert: alert.last)

    def report(self, alert: Alert, address: str = "", event: dict[str, Any] | None = None) -> None:
        """Take the cause of an alert, seen at `alert.last`; the first time it becomes an alert.

        `event` is stored with it then, once whatever number of hubs sees the cause.
        """
        address = clean(address, 64)
        newer = msgspec.structs.replace(
            alert, subject=clean(alert.subject, 128), text=clean(alert.text, 300), message=clean(alert.message, 1000),
            hint=clean(alert.hint, 500), addresses=(address,) if address else (), count=1,
        )  # fmt: skip
        before, base = self.get(alert.uid), self._base(alert.uid)
        present = newer if before is None else before.with_seen(newer)
        changed = before is None or before.shown != present.shown
        if alert.kind == PLANE:
            self._own[alert.uid] = present
        else:
            waiting = self._seen.get(alert.uid)
            if waiting is None:
                self._seen[alert.uid] = Sighting(newer, base is None, event)
            else:
                waiting.alert = waiting.alert.with_seen(newer)
            if changed or monotonic() - self._stored_at.get(alert.uid, 0.0) >= STORE_EVERY:
                self.due.set()
        if changed and (alert.kind == PLANE or self.direct()):
            self._changes.publish("alert", protocol.CHANGE_PUT, alert.uid, present.project_uid, present.document())
        if before is None:
            self._make_room()

    def _make_room(self) -> None:
        if len(self._own) + len(self._rows) + len(self._seen) + len(self._storing[0]) <= MOST:
            return
        every = self.all()
        others = [alert for alert in every if alert.kind != PLANE]
        for alert in others[: max(0, len(every) - MOST)]:
            self.drop(alert.uid)

    def drop(self, uid: str) -> None:
        """End an alert; one that is not there is no error."""
        alert = self.get(uid)
        if alert is not None:
            self._end(alert, float("inf"))

    def _end(self, alert: Alert, last: float) -> None:
        uid, own = alert.uid, self._own.pop(alert.uid, None) is not None
        self._seen.pop(uid, None)
        if uid in self._rows or uid in self._storing[0]:
            self._ended[uid] = last
            self.due.set()
        if own or self.direct():  # else readers get it when it is stored
            self._changes.publish("alert", protocol.CHANGE_DELETE, uid, alert.project_uid)

    def expire(self, now: float) -> None:
        """End every alert whose cause was not seen for long enough; also after the clock was set back."""
        for alert in self.all():
            if alert.ended(now):
                self._end(alert, alert.last)

    def documents(self, scope: Scope) -> list[dict[str, Any]]:
        """Return the alerts of a scope and of the plane, the one that is there longest first."""
        shown = [alert for alert in self.all() if scope.covers(alert.project_uid) or alert.kind == PLANE]
        return [alert.document() for alert in sorted(shown, key=lambda alert: (alert.since, alert.uid))]

    def begin_storing(self) -> tuple[dict[str, float], list[Sighting]]:
        """Return what is to be stored now: ends, and sightings. `stored` or `not_stored` is called next."""
        self.due.clear()
        self._storing = self._seen, self._ended
        self._seen, self._ended = {}, {}
        return dict(self._storing[1]), list(self._storing[0].values())

    @property
    def waits(self) -> bool:
        """Return whether something is to be stored."""
        return bool(self._seen or self._ended)

    @property
    def storing(self) -> bool:
        """Return whether something is being stored."""
        return any(self._storing)

    def stored(self) -> None:
        """Note that what was being stored is durable, and taken."""
        self._storing = ({}, {})

    def not_stored(self) -> None:
        """Note that what was being stored is to be stored again."""
        (seen, ended), self._storing = self._storing, ({}, {})
        for uid, sighting in seen.items():
            newer = self._seen.get(uid)
            if uid in self._ended:
                continue  # it has ended meanwhile
            if newer is not None:
                sighting.alert = sighting.alert.with_seen(newer.alert)
            self._seen[uid] = sighting
        self._ended = {**ended, **self._ended}
        self.due.set()


def _over(row: Alert | None, sighting: Sighting | None) -> Alert | None:
    """Return a row together with what was seen since."""
    if sighting is None:
        return row
    return sighting.alert if row is None else row.with_seen(sighting.alert)
