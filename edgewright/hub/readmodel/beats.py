"""Heartbeats for readers of the change stream: compact, at most a second old, bounded by the rate of the fleet (P34).

A heartbeat that changes nothing but its time and its vital signs is not a document for a reader that asks for beats: it
gets one event a second with a short entry for each host with a heartbeat since, rendered when it is sent. So a slow
reader gets the newest state of each host once, whatever it has missed, and costs no more memory than a set of hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from edgewright.core.roles import Scope
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.readmodel.state import State

MOST: Final = 500
"""Entries of one event: 2 ms of work or so."""
Entry = tuple[str, float, int, dict[str, Any]]
"""Uid, time of the last heartbeat, number of heartbeats, vital signs (with the progress of its work, P69)."""


class BeatReader:
    """What one reader has not got yet. `wake` is called when there is something."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self._fresh: dict[str, None] = {}

    @property
    def due(self) -> bool:
        """Whether something is to be sent."""
        return bool(self._fresh)

    def add(self, uids: Iterable[str]) -> None:
        """Note hosts that sent a heartbeat."""
        self._fresh.update(dict.fromkeys(uids))
        if self._fresh:
            self.wake()

    def take(self, most: int = MOST) -> list[str]:
        """Return the next hosts, those that were noted first in front."""
        uids = [uid for uid, _ in zip(self._fresh, range(most), strict=False)]
        for uid in uids:
            del self._fresh[uid]
        return uids


class Beats:
    """Collects hosts that sent a heartbeat and hands them to the readers once a second. Used on the event loop only."""

    def __init__(self, state: State, every: float = protocol.BEATS_EVERY) -> None:
        self._state = state
        self._every = every
        self._fresh: dict[str, None] = {}
        self._readers: set[BeatReader] = set()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, uid: str) -> None:
        """Note that a host sent a heartbeat."""
        if not self._readers:
            return
        self._fresh[uid] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._share)

    def _share(self) -> None:
        self._timer = None
        fresh, self._fresh = self._fresh, {}
        for reader in self._readers:
            reader.add(fresh)

    def join(self, reader: BeatReader, since: float) -> None:
        """Serve a reader from now on, and all hosts with a heartbeat at `since` (epoch seconds; 0: none) or later."""
        self._readers.add(reader)
        if since > 0:
            reader.add(uid for uid, entry in self._state.hosts.items() if (entry.live.at or 0.0) >= since)

    def leave(self, reader: BeatReader) -> None:
        """Serve a reader no longer."""
        self._readers.discard(reader)

    def entries(self, uids: Iterable[str], scope: Scope) -> list[Entry]:
        """Return the present entries of hosts that are in a scope."""
        entries: list[Entry] = []
        for uid in uids:
            entry = self._state.hosts.get(uid)
            if entry is None or entry.live.at is None or not scope.covers(entry.record.project_uid):
                continue
            live = entry.live
            vitals = live.vitals if live.progress is None else {**live.vitals, protocol.PROGRESS: live.progress}
            entries.append((uid, round(entry.live.at, 3), live.count, vitals))
        return entries
