"""Two machines with one identity: a copied data folder, a cloned disk (rules P17 and P39).

Each machine counts its heartbeats upwards. A heartbeat that comes late stays one; a second machine never stops: its
heartbeats are late by rule P17 (of a boot that was replaced, or below the last number), and yet their numbers rise.
Which machines send is in memory only; the alert is in the database, and marks the host at every hub.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from edgewright.core import times
from edgewright.hub.db.events import host_event
from edgewright.hub.db.records import Duplicate, HostEntry, Sender
from edgewright.hub.readmodel.alert_board import Alert
from edgewright.hub.resources.hosts import health

if TYPE_CHECKING:
    from edgewright.hub.services import Services

REASON = "DuplicateIdentity"
KEY = "duplicate-identity/"
"""Begin of an alert's uid; the host's follows."""
HINT = (
    "On the copy, stop the agent and remove identity.json*, registration.json* and binding.json* from its data folder; "
    "started again it registers as a new host. If it is one virtual machine that was set back to a snapshot, reboot it."
)
RISES = 2
"""Late heartbeats with a higher number than the late one before, from which it is another machine."""
SILENT_BEATS = 3
"""Heartbeats that the accepted machine must have missed before the other one takes its place."""
QUIET = 300.0
"""Seconds without a heartbeat of the other machine after which it counts as gone, at least; five heartbeats too."""
_MOST_HOSTS = 1000
_MOST_STREAMS = 4
_MOST_HEADER = 200


class _Stream(NamedTuple):
    """Late heartbeats of one machine."""

    seq: int
    rises: int
    last: float
    sender: Sender


class Clones:
    """Watches late heartbeats. Used on the event loop only."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._hosts: OrderedDict[str, dict[str, _Stream]] = OrderedDict()
        interval = hub.options.heartbeat
        self._quiet = max(QUIET, 5 * interval)

    def late(self, entry: HostEntry, boot: str, seq: int | None, sender: Sender, now: float) -> bool:
        """Note a heartbeat that is late by rule P17; returns whether it is to be taken all the same.

        That is so when this machine continues and the accepted one has stopped: the copy was switched off, or a virtual
        machine was set back to a snapshot of an earlier moment.
        """
        if seq is None:
            return False
        uid, live = entry.record.uid, entry.live
        streams = self._hosts.pop(uid, {})
        self._hosts[uid] = streams
        while len(self._hosts) > _MOST_HOSTS:
            self._hosts.popitem(last=False)
        before = streams.pop(boot, None)
        rises = 0
        if before is not None and 0 <= now - before.last < self._quiet:
            rises = before.rises + (seq > before.seq)
            seq = max(seq, before.seq)
        streams[boot] = _Stream(seq, rises, now, sender)
        while len(streams) > _MOST_STREAMS:
            del streams[next(iter(streams))]
        if rises < RISES or (before is not None and rises == before.rises):
            return False
        if live.at is None or now - live.at > SILENT_BEATS * self._hub.renderer.host_interval(entry):
            del self._hosts[uid]
            live.duplicate = None
            self._hub.state.moved.add(uid)
            return True
        self._report(entry, live.sender, sender, now)
        return False

    def others(self, entry: HostEntry, sender: Sender) -> str:
        """Return the other machines of an identity as a header's value; empty while there is none."""
        if entry.live.duplicate is None:
            return ""
        alert = self._hub.alerts.get(KEY + entry.record.uid)
        if alert is None:
            return ""
        named = ", ".join(address for address in alert.addresses if address != sender.text)
        return named.encode("ascii", "replace").decode()[:_MOST_HEADER] or "one at the same address"

    def _report(self, entry: HostEntry, accepted: Sender, other: Sender, now: float) -> None:
        uid, project, key = entry.record.uid, entry.record.project_uid, KEY + entry.record.uid
        both = f"{accepted.text} and {other.text}" if accepted.text != other.text else f"both at {other.text}"
        message = (
            f"Two machines report as {uid}: {both}. One has a copy of the other's data "
            "folder or disk. Heartbeats of one of them are ignored, and what is shown may be the state of either."
        )
        alert = Alert(
            uid=key,
            kind="duplicate-identity",
            subject=entry.facts.name,
            text="two machines report with this identity",
            message=message,
            hint=HINT,
            code=REASON,
            project_uid=project,
            host_uids=(uid,),
            since=now,
            last=now,
            quiet=self._quiet,
        )
        event = host_event(uid, uid, "Warning", REASON, message)
        self._hub.alerts.report(alert, accepted.text, event)
        self._hub.alerts.report(alert, other.text)
        self._mark(entry, now)

    def begin(self) -> None:
        """Take the alerts that are there at the start."""
        for alert in self._hub.alerts.all():
            self.follow("", alert.uid, None)

    def follow(self, _op: str, alert_uid: str, _doc: bytes | None) -> None:
        """Mark the host of an alert that any hub raised, renewed or ended."""
        if alert_uid.startswith(KEY):
            entry = self._hub.state.hosts.get(alert_uid.removeprefix(KEY))
            if entry is not None:
                self._mark(entry, times.now())

    def _mark(self, entry: HostEntry, now: float) -> None:
        alert = self._hub.alerts.get(KEY + entry.record.uid)
        if alert is None:
            entry.live.duplicate = None
        else:
            named = alert.addresses
            both = " and ".join(named) if len(named) > 1 else f"both at {''.join(named)}"
            until = alert.last + (alert.quiet or self._quiet)
            entry.live.duplicate = Duplicate(f"two machines report as this host: {both}", alert.since, until)
        self._hub.state.moved.add(entry.record.uid)
        health.settle(self._hub, entry, now)
