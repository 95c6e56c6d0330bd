"""All streams of a host in one thread: bytes between a WebSocket to the plane and a local port, within bounds.

Neither side of a stream is read while the other one has not taken what was read before, and pings of a plane that does
not read are not answered. So a stream needs two buffers of some `CHUNK` bytes, whatever its ends do.
"""

from __future__ import annotations

import os
import queue
import selectors
import socket
import ssl
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from edgewright.agent.plane.traffic import wire_bytes
from edgewright.wire import websocket
from edgewright.wire.protocol.relay import IDLE, SILENT
from edgewright.wire.websocket import BINARY, CLOSE, PING, PONG

CHUNK = 32_768
"""Bytes that are read at once."""
FAREWELL = 15.0
"""Seconds that an end has to take what waits for it when its stream ends."""
_AGAIN = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError, InterruptedError)


class Ready(NamedTuple):
    """A stream whose two connections are open."""

    id: str
    port: int
    plane: ssl.SSLSocket
    local: socket.socket


class Stream:
    """One stream: what was read of each side and not yet taken by the other."""

    def __init__(self, ready: Ready, now: float) -> None:
        self.ready = ready
        self.last_frame = now
        self.waits_since = now
        """When the local side last took something, or got something to take."""
        self.sent = self.received = 0
        """Bytes to the plane and from it."""
        self._reader = websocket.Reader(masked=False)
        self._to_plane = self._to_local = b""
        self._plane_over = self._local_over = False
        """Whether a side sends no more."""
        self.ends_at: Optional[float] = None

    @property
    def over(self) -> bool:
        """Return whether nothing is left to do."""
        plane_done = self._plane_over and not self._to_local
        return plane_done or (self._local_over and not self._to_plane)

    @property
    def stuck(self) -> bool:
        """Return whether the local side does not take what waits for it: then the plane is not read."""
        return bool(self._to_local)

    def interest(self, plane: bool) -> int:
        """Return for what a side is to be watched."""
        if plane:
            read, write = not self._to_local and not self._plane_over, bool(self._to_plane)
        else:
            read, write = not self._to_plane and not self._local_over, bool(self._to_local)
        return (selectors.EVENT_READ if read else 0) | (selectors.EVENT_WRITE if write else 0)

    @property
    def more(self) -> bool:
        """Return whether TLS has bytes that the socket does not show."""
        return not self._plane_over and not self._to_local and self.ready.plane.pending() > 0

    def work(self, now: float) -> None:
        """Move what can be moved without waiting. Raises `OSError` and `Broken` when the stream is to end."""
        self._write(now)
        if not self._to_local and not self._plane_over:
            self._read_plane(now)
        if not self._to_plane and not self._local_over:
            self._read_local()
        self._write(now)

    def _read_plane(self, now: float) -> None:
        try:
            data = self.ready.plane.recv(CHUNK)
        except _AGAIN:
            return
        self.last_frame = now
        if not data:
            self._end_plane(now)
            return
        for kind, piece in self._reader.feed(data):
            if kind == BINARY:
                self._to_local += piece
                self.waits_since = now
                self.received += len(piece)
            elif kind == PING and len(self._to_plane) <= 2 * CHUNK:
                self._to_plane += websocket.frame(PONG, piece, True)
            elif kind == CLOSE:
                self._end_plane(now)
                return

    def _read_local(self) -> None:
        try:
            data = self.ready.local.recv(CHUNK)
        except _AGAIN:
            return
        if data:
            self.sent += len(data)
            self._to_plane += websocket.frame(BINARY, data, True)
        else:
            self._local_over = True
            self._to_plane += websocket.frame(CLOSE, (1000).to_bytes(2, "big"), True)
            self.ends_at = self.ends_at or time.monotonic() + FAREWELL

    def _end_plane(self, now: float) -> None:
        self._plane_over = True
        self.ends_at = self.ends_at or now + FAREWELL

    def _write(self, now: float) -> None:
        try:
            if self._to_plane:
                self._to_plane = self._to_plane[self.ready.plane.send(self._to_plane) :]
        except _AGAIN:
            pass
        try:
            if self._to_local:
                self._to_local = self._to_local[self.ready.local.send(self._to_local) :]
                self.waits_since = now
        except _AGAIN:
            pass

    def close(self) -> None:
        """Close both connections."""
        for link in (self.ready.plane, self.ready.local):
            try:
                link.close()
            except OSError:
                pass  # it is of no use any more in either case


class Pump:
    """Moves bytes until `stop`. `add` may be called from any thread; `ended` gets each stream with the reason."""

    def __init__(self, ended: Callable[[Stream, str], None]) -> None:
        self._ended = ended
        self._selector = selectors.DefaultSelector()
        self._arrived: "queue.SimpleQueue[Ready]" = queue.SimpleQueue()
        self._watched: Dict[int, int] = {}
        self._streams: Dict[int, Stream] = {}
        """By file descriptor, each stream twice."""
        self._wake_out, self._wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_out, selectors.EVENT_READ, None)
        self.watch_also: Optional[socket.socket] = None
        self._cost = 0

    def __len__(self) -> int:
        """Return how many streams there are."""
        return len(self._streams) // 2

    @property
    def cost(self) -> int:
        """Return the bytes that all streams have cost on the link to the plane, also those that ended."""
        return self._cost + sum(wire_bytes(stream.ready.plane) for stream in self._each())

    def also(self, link: socket.socket) -> None:
        """Watch one more socket; `turn` returns whether it has something."""
        self.watch_also = link
        self._selector.register(link, selectors.EVENT_READ, None)

    def add(self, ready: Ready) -> None:
        """Take a stream. From any thread."""
        self._arrived.put(ready)
        self.wake()

    def wake(self) -> None:
        """End the present wait. From any thread."""
        try:
            os.write(self._wake_in, b"x")
        except BlockingIOError:
            pass  # it ends already

    def turn(self, seconds: float) -> bool:
        """Wait up to `seconds` for work and do it; return whether the other socket has something."""
        more = [stream for stream in self._each() if stream.more]
        events = self._selector.select(0 if more else seconds)
        asked, busy = False, {id(stream): stream for stream in more}
        for key, _ in events:
            if key.fileobj is self.watch_also:
                asked = True
            elif key.fd == self._wake_out:
                os.read(self._wake_out, 4096)
            else:
                stream = self._streams.get(key.fd)
                if stream is not None:
                    busy[id(stream)] = stream
        now = time.monotonic()
        for stream in busy.values():
            self._work(stream, now)
        while not self._arrived.empty():
            self._begin(self._arrived.get(), now)
        return asked

    def look(self) -> None:
        """End streams whose plane is silent, and those that did not end in time."""
        now = time.monotonic()
        for stream in self._each():
            if stream.ends_at is not None and now > stream.ends_at:
                self._end(stream, "it ended while its other end did not read")
            elif stream.stuck:
                stream.last_frame = now  # the plane is not read, so its silence shows nothing, nor is its end noticed
                if now - stream.waits_since > IDLE:
                    self._end(stream, f"the local port took nothing for {now - stream.waits_since:.0f} s")
            elif now - stream.last_frame > SILENT:
                self._end(stream, f"the plane was silent for {now - stream.last_frame:.0f} s")

    def close(self) -> None:
        """End all streams."""
        for stream in self._each():
            self._end(stream, "the relay stops")

    def _each(self) -> List[Stream]:
        seen: Set[int] = set()
        result = []
        for stream in self._streams.values():
            if id(stream) not in seen:
                seen.add(id(stream))
                result.append(stream)
        return result

    def _begin(self, ready: Ready, now: float) -> None:
        stream = Stream(ready, now)
        for link in (ready.plane, ready.local):
            link.setblocking(False)
            self._streams[link.fileno()] = stream
        self._work(stream, now)

    def _work(self, stream: Stream, now: float) -> None:
        try:
            stream.work(now)
        except (OSError, websocket.Broken) as error:
            self._end(stream, str(getattr(error, "strerror", None) or error).lower())
            return
        if stream.over:
            self._end(stream, "ended")
            return
        self._watch(stream.ready.plane, stream.interest(True))
        self._watch(stream.ready.local, stream.interest(False))

    def _watch(self, link: Any, interest: int) -> None:
        number = link.fileno()
        before = self._watched.get(number, 0)
        if interest == before:
            return
        if not before:
            self._selector.register(number, interest)
        elif not interest:
            self._selector.unregister(number)
        else:
            self._selector.modify(number, interest)
        self._watched[number] = interest

    def _end(self, stream: Stream, reason: str) -> None:
        self._cost += wire_bytes(stream.ready.plane)
        for link in (stream.ready.plane, stream.ready.local):
            number = link.fileno()
            self._watch(link, 0)
            self._watched.pop(number, None)
            self._streams.pop(number, None)
        stream.close()
        self._ended(stream, reason)
