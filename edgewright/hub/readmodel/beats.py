"""Heartbeats for readers of the change stream: compact, at most a second old, bounded by the rate of the fleet (P34).

A heartbeat that changes nothing but its time and its vital signs is not a document for a reader that asks for beats: it
gets one event a second with a short entry for each host with a heartbeat since, rendered when it is sent. So a slow
reader gets the newest state of each host once, whatever it has missed, and costs no more memory than a set of hosts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from edgewright.core.roles import Scope
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.readmodel.state import State

MOST: Final = 500
"""Entries of one event: 2 ms of work or so."""
SHARED_FOR: Final = 0.1
"""Seconds for which an event is shared; it has the time at which it was encoded."""
_NOTHING: Final = float("-inf"), b""
Entry = tuple[str, float, int, dict[str, Any]]
"""Uid, time of the last heartbeat, number of heartbeats, vital signs (with the progress of its work, P69)."""


class Batch:
    """Hosts with a heartbeat whose entries are one event, encoded once for all readers that get it at once."""

    def __init__(self, uids: list[str]) -> None:
        self.uids = uids
        self._texts: dict[tuple[Scope, int], tuple[float, bytes]] = {}

    def shared(self, scope: Scope, position: int) -> bytes | None:
        """Return the event of a scope with a number, as another reader got it a moment ago."""
        at, text = self._texts.get((scope, position), _NOTHING)
        return text if monotonic() - at < SHARED_FOR else None

    def share(self, scope: Scope, position: int, text: bytes) -> None:
        """Note the event of a scope with a number, for other readers."""
        self._texts[scope, position] = monotonic(), text


class BeatReader:
    """What one reader has not got yet. `wake` is called when there is something."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self._batches: deque[Batch] = deque()
        self._fresh: dict[str, None] = {}
        """Hosts of a reader that was still behind when more came, or that joined with hosts of before."""

    @property
    def due(self) -> bool:
        """Whether something is to be sent."""
        return bool(self._batches or self._fresh)

    def add(self, batches: Iterable[Batch]) -> None:
        """Note hosts that sent a heartbeat."""
        if self.due:
            for batch in (*self._batches, *batches):
                self._fresh.update(dict.fromkeys(batch.uids))
            self._batches.clear()
        else:
            self._batches.extend(batches)
        if self.due:
            self.wake()

    def take(self) -> Batch:
        """Return the next hosts, those that were noted first in front."""
        if self._batches:
            return self._batches.popleft()
        uids = list(islice(self._fresh, MOST))
        for uid in uids:
            del self._fresh[uid]
        return Batch(uids)


def _batches(uids: Iterable[str]) -> list[Batch]:
    rest = list(uids)
    return [Batch(rest[start : start + MOST]) for start in range(0, len(rest), MOST)]


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
        fresh, self._fresh = _batches(self._fresh), {}
        for reader in self._readers:
            reader.add(fresh)

    def join(self, reader: BeatReader, since: float) -> None:
        """Serve a reader from now on, and all hosts with a heartbeat at `since` (epoch seconds; 0: none) or later."""
        self._readers.add(reader)
        if since > 0:
            reader.add(_batches(uid for uid, entry in self._state.hosts.items() if (entry.live.at or 0.0) >= since))

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
