"""The change stream: what changed, read by each client at its own pace (rules P33 to P35, P61 to P63).

The number of an event is that of the change log in the database, so any hub on the database continues the stream that
another one began. The newest changes are in a ring in memory; a reader that is behind it continues from the log, and
one that is behind the log too gets `resync` and reads the lists again. Rendering is long work (`pace`), so that many
readers of a busy fleet delay no other request.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from edgewright.core import times
from edgewright.core.roles import Scope
from edgewright.hub.db.changelog.entry import Entry
from edgewright.hub.http.problems import Behind, Problem
from edgewright.hub.readmodel.beats import BeatReader, Beats
from edgewright.hub.readmodel.compression import Compressor
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.pieces import Pieces, Render, encode
from edgewright.hub.readmodel.ring import BYTES, SIZE, Ring
from edgewright.wire import protocol

WAKE_EVERY, WAKE_READER, WAKE_MOST = 0.02, 0.002, 0.1
"""Seconds between two wakings of one reader at least, what each further reader adds, and the most: what a busy fleet
changes meanwhile goes out as one piece, since each piece costs each reader a send."""
FOLLOWS_WITHIN = 10.0
"""Seconds that a reader waits for a number that another hub gave and this one has not taken yet."""
LogAfter = Callable[[int], Awaitable[list[Entry] | None]]


async def _no_log(since: int) -> list[Entry] | None:
    return None


class Changes:
    """The ring and those who wait for it. Used on the event loop only."""

    def __init__(
        self,
        seq: int,
        render: Render,
        size: int = SIZE,
        most_bytes: int = BYTES,
        beats: Beats | None = None,
        tenant_kinds: frozenset[str] = frozenset(),
    ) -> None:
        """`seq` is the newest number of the log that memory has.

        `tenant_kinds` are kinds that readers of one project never get without a project of their own (rule P35).
        """
        self.began = seq
        self.ring = Ring(seq, size, most_bytes)
        self.pieces = Pieces(self.ring, render, tenant_kinds)
        self.compressor = Compressor()
        self.beats = beats
        self.log_after: LogAfter = _no_log
        """Returns the next changes of the log after a number, as readers get them (without a kind: not at all); `None`
        when the log does not go back that far."""
        self.newest: Callable[[], Awaitable[int]] = self._own_newest
        """Returns the newest number of the log, which another hub may have given."""
        self.shared = False
        """Whether a reader may come from another hub on the same database."""
        self._taking = False
        self._without_beats = 0
        """Open streams that do not get beats."""
        self._waiters: set[asyncio.Event] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._woken = float("-inf")
        self.stopping = False
        self.readers: Counter[str] = Counter()
        """Open streams by caller."""

    async def _own_newest(self) -> int:
        return self.seq

    @property
    def seq(self) -> int:
        """Return the number of the newest change of the log that memory has taken."""
        return self.ring.seq

    @contextmanager
    def taking(self, seq: int) -> Iterator[None]:
        """Publish within the block what the change `seq` of the log means for readers."""
        self.ring.seq, self._taking = seq, True
        try:
            yield
        finally:
            self._taking = False

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
        doc: dict[str, Any] | bytes | None = None,
        *,
        alive: bool = False,
    ) -> None:
        """Add a change after it became durable, or one that is never stored."""
        text = msgspec.json.encode(doc) if isinstance(doc, dict) else doc
        self.ring.add(kind, op, uid, project_uid, text, logged=self._taking, alive=alive)
        if self._waiters and self._timer is None:
            self._wake_soon()

    def _wake_soon(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.wake()
            return
        every = min(WAKE_MOST, WAKE_EVERY + WAKE_READER * (len(self._waiters) - 1))
        self._timer = loop.call_later(max(0.0, self._woken + every - loop.time()), self._wake_now, loop)

    def _wake_now(self, loop: asyncio.AbstractEventLoop) -> None:
        self._woken, self._timer = loop.time(), None
        self.wake()

    def wake(self) -> None:
        """Let every reader look again: for changes, and whether it may still read."""
        for waiter in self._waiters:
            waiter.set()

    def stop(self) -> None:
        """End every stream."""
        self.stopping = True
        self.wake()

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
        number, seq = (self.ring.number, self.seq) if since is None else (None, since)
        forgets = since is not None and (self.shared or since < self.began or since <= self.ring.lost)
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
            # The number comes with a comment, so that a reader that gets no change can continue all the same.
            yield b": edgewright changes\n" + (b"id: %d\n: begins\n\n" % seq if since is None else b"\n")
            while not self.stopping and may_read():
                waiter.clear()
                if number is None or not self.ring.has(number):
                    asked = seq
                    try:
                        text, number, seq = await self._from_log(seq, scope, pace)
                    except Problem:
                        return  # it comes again with its number, here or at another hub
                    if text is None:
                        text = _resync(seq)
                    elif forgets:
                        # Alerts of the plane are of one process. This has the number that was asked for: a reader
                        # whose connection ends behind it continues from there.
                        text = _resync(asked, ["alert"]) + text
                    forgets = False
                    if text and may_read():
                        yield text
                    continue
                if number < self.ring.number or (beats is not None and beats.due):
                    if number < self.ring.number:
                        piece = self.pieces.shared(number, scope, beats is not None)
                        if piece is None:
                            async with pace:
                                piece = self._piece(number, scope, beats is not None, pace)
                        if piece is None:
                            continue
                        number, seq = piece.number, piece.seq
                        if piece.data and may_read():
                            yield piece.data
                    # Never joined with the changes: readers share either of the two, and its compressed form.
                    if beats is not None and beats.due:
                        async with pace:
                            text = self._beats_event(beats, seq, scope)
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

    def _piece(self, number: int, scope: Scope, with_beats: bool, pace: Pace) -> Any:
        """Return the next piece; `None` when the ring has overtaken the reader while it waited for its turn."""
        if not self.ring.has(number):
            return None
        return self.pieces.shared(number, scope, with_beats) or self.pieces.make(number, scope, with_beats, pace)

    async def _from_log(self, seq: int, scope: Scope, pace: Pace) -> tuple[bytes | None, int | None, int]:
        """Return what is sent to a reader that names a number, and where it is then; `None` for one out of reach.

        Raises `Problem` where the log has that number and memory does not get it in time, or the log cannot be read:
        what this hub has is older than what the reader saw.
        """
        end = asyncio.get_running_loop().time() + FOLLOWS_WITHIN
        while seq > self.seq and not self.stopping:
            if await self.newest() < seq:
                break
            if asyncio.get_running_loop().time() > end:
                raise Behind("This hub does not follow what other hubs store; use another one.")
            await asyncio.sleep(WAKE_EVERY)
        number = self.ring.position(seq)
        if number is not None:
            return b"", number, seq
        entries = await self.log_after(seq) if seq < self.seq else None
        text = bytearray()
        async with pace:
            for entry in entries or ():
                seq = entry.seq
                if entry.kind and self.pieces.in_scope(entry.kind, entry.project_uid, scope):
                    text += self.pieces.event(entry.kind, seq, entry.op, entry.uid, entry.doc)
                if pace.due:
                    break
        if entries:
            return bytes(text), self.ring.position(seq), seq
        return None, self.ring.number, self.seq

    def _beats_event(self, reader: BeatReader, position: int, scope: Scope) -> bytes:
        """Return the next heartbeats of a reader as one event; empty when it may see none of them."""
        if self.beats is None or not reader.due:
            return b""
        batch = reader.take()
        text = batch.shared(scope, position)
        if text is None:
            hosts = self.beats.entries(batch.uids, scope)
            doc = {"now": times.now(), "hosts": hosts}
            data = {"seq": position, "op": protocol.CHANGE_PUT, "uid": "", "doc": doc}
            text = encode(protocol.CHANGE_BEATS, position, data) if hosts else b""
            batch.share(scope, position, text)
        return text


def _resync(seq: int, kinds: list[str] | None = None) -> bytes:
    """Return what sends a reader to the lists: to all of them, or to those of some kinds."""
    doc = None if kinds is None else {"kinds": kinds}
    return encode("resync", seq, {"seq": seq, "op": "resync", "uid": "", "doc": doc})


def _patience(end: float | None) -> float:
    """Return how many seconds to wait for a change before the reader is looked at again."""
    left = protocol.STREAM_PING if end is None else end - times.now()
    return min(protocol.STREAM_PING, left) if left > 0 else protocol.STREAM_PING  # a key's end may have been moved
