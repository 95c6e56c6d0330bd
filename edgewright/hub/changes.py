"""The change stream: a bounded ring of what changed, read by each client at its own pace (rules P33 to P35).

The ring holds names, not documents: a host is rendered when it is sent, so a slow reader gets the present state and
costs no memory. A reader that the ring has overtaken is told to read the lists anew (`resync`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import msgspec

from edgewright.wire import protocol

RING = 20_000
_CHUNK = 200


class Change(NamedTuple):
    """One change; `doc` is `None` when it is rendered on sending."""

    seq: int
    kind: str
    op: str
    uid: str
    project_uid: str
    doc: dict[str, Any] | None


Render = Callable[[str, str], dict[str, Any] | None]


class Changes:
    """The ring and those who wait for it. Used on the event loop only."""

    def __init__(self, started: float, render: Render, size: int = RING) -> None:
        # Numbers begin at the start time in milliseconds, so that they rise over restarts without being stored:
        # a number from before a restart lies below the ring and gets `resync`.
        self.seq = int(started * 1000)
        self._ring: deque[Change] = deque(maxlen=size)
        self._floor = self.seq
        self._render = render
        self._waiters: set[asyncio.Event] = set()
        self.stopping = False
        self.readers = 0

    def publish(self, kind: str, op: str, uid: str, project_uid: str = "", doc: dict[str, Any] | None = None) -> None:
        """Add a change, after it became durable."""
        self.seq += 1
        if len(self._ring) == self._ring.maxlen:
            self._floor = self._ring[0].seq
        self._ring.append(Change(self.seq, kind, op, uid, project_uid, doc))
        for waiter in self._waiters:
            waiter.set()

    def stop(self) -> None:
        """End every stream."""
        self.stopping = True
        for waiter in self._waiters:
            waiter.set()

    def _after(self, position: int) -> list[Change]:
        """Return the next changes after `position`, at most a chunk."""
        if not self._ring or position >= self.seq:
            return []
        start = max(0, len(self._ring) - (self.seq - position))
        return [self._ring[index] for index in range(start, min(start + _CHUNK, len(self._ring)))]

    async def stream(
        self, since: int | None, project_uid: str, may_read: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[bytes]:
        """Yield server-sent events for one reader until the hub stops, or `may_read` says that its credential ended."""
        position = self.seq if since is None else since
        waiter = asyncio.Event()
        self._waiters.add(waiter)
        self.readers += 1
        try:
            yield b": edgewright changes\n\n"
            while not self.stopping and may_read():
                waiter.clear()
                if position > self.seq or position < self._floor:
                    position = self.seq
                    yield _event("resync", position, {"seq": position, "op": "resync", "uid": "", "doc": None})
                chunk = self._after(position)
                if chunk:
                    position = chunk[-1].seq
                    text = b"".join(self._told(chunk, project_uid))
                    if text:
                        yield text
                    continue
                try:
                    async with asyncio.timeout(protocol.STREAM_PING):
                        await waiter.wait()
                except TimeoutError:
                    yield b": ping\n\n"
        finally:
            self._waiters.discard(waiter)
            self.readers -= 1

    def _told(self, chunk: list[Change], project_uid: str) -> list[bytes]:
        newest = {(change.kind, change.uid): change.seq for change in chunk}
        told = []
        for change in chunk:
            if project_uid and change.project_uid and change.project_uid != project_uid:
                continue
            if project_uid and not change.project_uid and change.kind in ("audit", "token"):
                continue
            if newest[(change.kind, change.uid)] != change.seq:
                continue  # a newer change of the same thing follows in this chunk
            doc = change.doc
            if change.op == protocol.CHANGE_PUT and doc is None:
                doc = self._render(change.kind, change.uid)
                if doc is None:
                    continue  # deleted meanwhile; its own change follows
            told.append(
                _event(change.kind, change.seq, {"seq": change.seq, "op": change.op, "uid": change.uid, "doc": doc})
            )
        return told


def _event(kind: str, seq: int, data: dict[str, Any]) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, kind.encode(), msgspec.json.encode(data))
