"""The change stream: a bounded ring of what changed, read by each client at its own pace (rules P33 to P35).

The ring contains names of hosts, tokens and projects, which are rendered when they are sent: a slow reader gets the
present state and costs no memory. Events, audit entries and operations are stored as the bytes that are sent, bounded
in number and in sum. A reader that the ring has overtaken gets `resync` and reads the lists again. Rendering is long
work (`pace`), so that many readers of a busy fleet delay no other request.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import msgspec

from edgewright.core import times
from edgewright.core.roles import Scope
from edgewright.hub.readmodel.beats import BeatReader, Beats
from edgewright.hub.readmodel.pace import Pace
from edgewright.wire import protocol

RING = 20_000
RING_BYTES = 32 * 1024 * 1024
"""Bytes of documents in the ring; the oldest changes go first."""
_CHUNK = 200
_PIECE = 256 * 1024
"""Bytes that are sent at once, before others get their turn."""


_OF_NO_PROJECT = frozenset({"event", "handling"})
"""Kinds that name hosts or sites of any project when they belong to none."""


class Change(NamedTuple):
    """One change; `doc` is `None` when it is rendered on sending."""

    seq: int
    kind: str
    op: str
    uid: str
    project_uid: str
    doc: msgspec.Raw | None
    alive: bool = False
    """Only a heartbeat: readers that get beats do not need it."""

    @property
    def size(self) -> int:
        """Return the bytes of its document."""
        return 0 if self.doc is None else len(bytes(self.doc))


Render = Callable[[str, str], dict[str, Any] | None]


class Changes:
    """The ring and those who wait for it. Used on the event loop only."""

    def __init__(
        self,
        started: float,
        render: Render,
        size: int = RING,
        most_bytes: int = RING_BYTES,
        beats: Beats | None = None,
        tenant_kinds: frozenset[str] = frozenset(),
    ) -> None:
        """`tenant_kinds` are kinds that readers of one project never get without a project of their own (rule P35)."""
        # Numbers begin at the start time in milliseconds, so that they rise over restarts without being stored:
        # a number from before a restart is below the ring and gets `resync`.
        self.seq = int(started * 1000)
        self._ring: deque[Change] = deque()
        self._size, self._most_bytes = size, most_bytes
        self._bytes = 0
        self._floor = self.seq
        self._render = render
        self._tenant_kinds = tenant_kinds
        self.beats = beats
        self._without_beats = 0
        """Open streams that do not get beats."""
        self._waiters: set[asyncio.Event] = set()
        self.stopping = False
        self.readers: Counter[str] = Counter()
        """Open streams by caller."""

    def note_beat(self, uid: str) -> None:
        """Note that a host sent a heartbeat, for readers that get beats."""
        if self.beats is not None:
            self.beats.note(uid)

    def publish_alive(self, uid: str, project_uid: str) -> None:
        """Add the change of a host of which only a heartbeat arrived, if there is a reader that needs it."""
        if self._without_beats:
            self.publish("host", protocol.CHANGE_PUT, uid, project_uid, alive=True)

    def publish(
        self,
        kind: str,
        op: str,
        uid: str,
        project_uid: str = "",
        doc: dict[str, Any] | None = None,
        *,
        alive: bool = False,
    ) -> None:
        """Add a change, after it became durable."""
        self.seq += 1
        change = Change(
            self.seq, kind, op, uid, project_uid, None if doc is None else msgspec.Raw(msgspec.json.encode(doc)), alive
        )
        self._ring.append(change)
        self._bytes += change.size
        while len(self._ring) > self._size or (self._bytes > self._most_bytes and len(self._ring) > 1):
            dropped = self._ring.popleft()
            self._bytes -= dropped.size
            self._floor = dropped.seq
        self.wake()

    def wake(self) -> None:
        """Let every reader look again: for changes, and whether it may still read."""
        for waiter in self._waiters:
            waiter.set()

    def stop(self) -> None:
        """End every stream."""
        self.stopping = True
        self.wake()

    def _after(self, position: int) -> list[Change]:
        """Return the next changes after `position`, at most a chunk."""
        if not self._ring or position >= self.seq:
            return []
        start = max(0, len(self._ring) - (self.seq - position))
        return [self._ring[index] for index in range(start, min(start + _CHUNK, len(self._ring)))]

    async def stream(
        self,
        since: int | None,
        scope: Scope,
        may_read: Callable[[], bool] = lambda: True,
        end: float | None = None,
        pace: Pace | None = None,
        beats_since: float | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield server-sent events for one reader until the hub stops or `may_read` returns false.

        It is asked before every piece, after `wake`, and at the time `end` (epoch seconds) when the session ends. With
        `beats_since` the reader gets heartbeats as beats, those since that time too (0: from now on).
        """
        position = self.seq if since is None else since
        pace = pace or Pace.alone()
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        self.readers[pace.owner] += 1
        beats = BeatReader(waiter.set) if self.beats is not None and beats_since is not None else None
        if beats is None or self.beats is None:
            self._without_beats += 1
        else:
            self.beats.join(beats, beats_since or 0.0)
        try:
            yield b": edgewright changes\n\n"
            while not self.stopping and may_read():
                waiter.clear()
                if position > self.seq or position < self._floor:
                    position = self.seq
                    yield _event("resync", position, {"seq": position, "op": "resync", "uid": "", "doc": None})
                chunk = self._after(position)
                if chunk or (beats is not None and beats.due):
                    text = b""
                    async with pace:
                        if chunk:
                            position, text = self._rendered(chunk, scope, pace, beats is not None)
                        if beats is not None:
                            text += self._beats_event(beats, position, scope)
                    if text and may_read():
                        yield text
                    continue
                try:
                    async with asyncio.timeout(_patience(end)):
                        await waiter.wait()
                except TimeoutError:
                    if may_read():
                        yield b": ping\n\n"
        finally:
            self._waiters.discard(waiter)
            if beats is None or self.beats is None:
                self._without_beats -= 1
            else:
                self.beats.leave(beats)
            self.readers -= Counter((pace.owner,))  # drops a name with none left

    def _beats_event(self, reader: BeatReader, position: int, scope: Scope) -> bytes:
        """Return the next heartbeats of a reader as one event; empty when it may see none of them."""
        hosts = self.beats.entries(reader.take(), scope) if self.beats is not None and reader.due else []
        if not hosts:
            return b""
        data = {"seq": position, "op": protocol.CHANGE_PUT, "uid": "", "doc": {"now": times.now(), "hosts": hosts}}
        return _event(protocol.CHANGE_BEATS, position, data)

    def _rendered(self, chunk: list[Change], scope: Scope, pace: Pace, with_beats: bool = False) -> tuple[int, bytes]:
        """Return the number of the last change of the chunk that was looked at, and what is to be sent of them."""
        newest = {(change.kind, change.uid): change.seq for change in chunk if not (with_beats and change.alive)}
        piece = bytearray()
        for change in chunk:
            last = change.seq
            # A newer change of the same thing that follows in this chunk makes this one needless.
            if newest.get((change.kind, change.uid)) == change.seq and self._in_scope(change, scope):
                piece += self._encoded(change)
            if pace.due or len(piece) >= _PIECE:
                break
        return last, bytes(piece)

    def _in_scope(self, change: Change, scope: Scope) -> bool:
        """Return whether a reader of a scope gets a change (rule P35)."""
        if scope.covers(change.project_uid):
            return True
        hidden = change.kind in self._tenant_kinds or (scope.member and change.kind in _OF_NO_PROJECT)
        return not change.project_uid and not hidden

    def _encoded(self, change: Change) -> bytes:
        doc: msgspec.Raw | dict[str, Any] | None = change.doc
        if change.op == protocol.CHANGE_PUT and doc is None:
            doc = self._render(change.kind, change.uid)
            if doc is None:
                return b""  # deleted meanwhile; its own change follows
        return _event(change.kind, change.seq, {"seq": change.seq, "op": change.op, "uid": change.uid, "doc": doc})


def _patience(end: float | None) -> float:
    """Return how many seconds to wait for a change before the reader is looked at again."""
    left = protocol.STREAM_PING if end is None else end - times.now()
    return min(protocol.STREAM_PING, left) if left > 0 else protocol.STREAM_PING  # a key's end may have been moved


def _event(kind: str, seq: int, data: dict[str, Any]) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, kind.encode(), msgspec.json.encode(data))
