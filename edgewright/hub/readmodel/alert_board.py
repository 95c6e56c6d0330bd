"""Alerts: what needs an operator and is not the state of a host record (rule P39).

A box that is rejected again and again, two machines with one identity, two records of one machine. An alert exists for
as long as its cause continues and ends by itself; it is in memory only, since its cause shows itself again after a
restart of the hub. Readers list the alerts and get each change in the stream.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.core import times
from edgewright.core.roles import Scope
from edgewright.core.text import clean
from edgewright.hub.readmodel.changes import Changes
from edgewright.wire import protocol

PLANE = "plane"
"""Kind of the alerts about the management plane itself: every reader sees them, and no flood pushes them out."""
MOST = 500
"""Alerts at most; the one that was seen longest ago goes first, so that made-up names cannot fill the memory."""
ADDRESSES = 4
"""Newest addresses that an alert names."""
TENANT = "*"
"""In place of a project: an alert about hosts of several projects, for readers of all projects only (rule P35)."""
REPUBLISH = 60.0
"""Seconds between two changes in the stream that only count one alert up."""


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
    published: float = 0.0

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

    def seen(self, newer: Alert, address: str) -> bool:
        """Count the cause once more; returns whether something else changed than count and time."""
        before = (self.text, self.message, self.code, self.host_uids, self.addresses)
        self.text, self.message, self.hint, self.code = newer.text, newer.message, newer.hint, newer.code
        self.host_uids, self.project_uid, self.last = newer.host_uids, newer.project_uid, newer.last
        self.count += 1
        if address:
            others = tuple(other for other in self.addresses if other != address)
            if len(others) == len(self.addresses):  # the order is that of their first time, so that lines stay calm
                self.addresses = (*self.addresses, address)[-ADDRESSES:]
        return before != (self.text, self.message, self.code, self.host_uids, self.addresses)


class AlertBoard:
    """The present alerts. Used on the event loop only."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._alerts: dict[str, Alert] = {}

    def get(self, uid: str) -> Alert | None:
        """Return an alert."""
        return self._alerts.get(uid)

    def all(self) -> list[Alert]:
        """Return every alert."""
        return list(self._alerts.values())

    def report(self, alert: Alert, address: str = "") -> None:
        """Take the cause of an alert, seen at `alert.last`; the first time it becomes an alert."""
        alert.subject, alert.text = clean(alert.subject, 128), clean(alert.text, 300)
        alert.message, alert.hint = clean(alert.message, 1000), clean(alert.hint, 500)
        stored = self._alerts.pop(alert.uid, None)
        changed = stored is None
        entry = alert if stored is None else stored
        changed = entry.seen(alert, clean(address, 64)) or changed
        self._alerts[entry.uid] = entry  # at the end: the order is that of the last time
        if changed or not 0 <= entry.last - entry.published < REPUBLISH:
            entry.published = entry.last
            self._changes.publish("alert", protocol.CHANGE_PUT, entry.uid, entry.project_uid, entry.document())
        while len(self._alerts) > MOST:
            self.drop(next(uid for uid, alert in self._alerts.items() if alert.kind != PLANE))

    def drop(self, uid: str) -> None:
        """End an alert; one that is not there is no error."""
        alert = self._alerts.pop(uid, None)
        if alert is not None:
            self._changes.publish("alert", protocol.CHANGE_DELETE, uid, alert.project_uid)

    def expire(self, now: float) -> None:
        """End every alert whose cause was not seen for long enough; also after the clock was set back."""
        ended = [a.uid for a in self._alerts.values() if a.quiet is not None and not -a.quiet <= now - a.last < a.quiet]
        for uid in ended:
            self.drop(uid)

    def documents(self, scope: Scope) -> list[dict[str, Any]]:
        """Return the alerts of a scope and of the plane, the one that is there longest first."""
        shown = [alert for alert in self._alerts.values() if scope.covers(alert.project_uid) or alert.kind == PLANE]
        return [alert.document() for alert in sorted(shown, key=lambda alert: (alert.since, alert.uid))]
