"""Streams of this hub: a client's end and a host's end, both WebSockets, and the bytes between them.

Neither end is read while the other one does not take what was read before, so a stream needs no more memory than two
bounded buffers. The bytes are those of TLS or SSH between client and host: the hub can read none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import msgspec

from edgewright.hub.http.auth import Actor
from edgewright.hub.relay.tables import StreamRecord
from edgewright.wire import websocket
from edgewright.wire.protocol import relay
from edgewright.wire.websocket import BINARY, CLOSE, PING, PONG, TEXT

FAREWELL = 15.0
"""Seconds that an end has to take what waits for it when its stream ends."""
MAX_REASON = 200
STOPS = "the hub stops"


class End:
    """One end of a stream (a `Pipe` of `http.upgrade`)."""

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        self.name = name
        self.transport: asyncio.Transport | None = None
        self.last_frame = monotonic()
        self._reader = websocket.Reader(masked=True)
        self._closed = False
        self._full = self._unread = False

    @property
    def waits(self) -> bool:
        """Return whether it does not read, or is not read now: then its silence shows nothing."""
        return self._full or self._unread

    def made(self, transport: asyncio.Transport) -> None:
        """Take the connection."""
        self.transport, self.last_frame = transport, monotonic()
        if self._closed:
            transport.close()
            return
        self._stream.made(self)

    def received(self, data: bytes) -> None:
        """Take bytes of the peer: what arrived at once is passed on as one frame, however many frames it had."""
        self.last_frame = monotonic()
        if self._closed:
            return
        pieces, ping, ends = list[bytes](), None, ""
        try:
            for kind, piece in self._reader.feed(data):
                if kind == BINARY:
                    pieces.append(piece)
                elif kind == PING:
                    ping = piece
                elif kind == CLOSE:
                    ends = f"ended by the {self.name}"
                    break
        except websocket.Broken as error:
            ends = f"the {self.name} broke the protocol: {error}"
        if pieces:
            self._stream.data(self, b"".join(pieces))
        if ping is not None and not self._full:  # only the last one needs an answer (RFC 6455, 5.5.3)
            self.write(PONG, ping)
        if ends:
            self._stream.end(ends)

    def write(self, kind: int, data: bytes) -> None:
        """Send one frame."""
        if self.transport is not None and not self._closed:
            self.transport.write(websocket.frame(kind, data, False))

    def report(self, **values: Any) -> None:
        """Send a message of the relay itself."""
        self.write(TEXT, msgspec.json.encode(values))

    def paused(self) -> None:
        """Let the other end be read no more for now."""
        self._full = True
        self._stream.other(self).reading(on=False)

    def resumed(self) -> None:
        """Let the other end be read again."""
        self._full, self.last_frame = False, monotonic()
        self._stream.other(self).reading(on=True)

    def reading(self, *, on: bool) -> None:
        """Read this end, or do not."""
        self._unread, self.last_frame = not on, monotonic()
        if self.transport is not None and not self.transport.is_closing():
            if on:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def lost(self) -> None:
        """Note that the connection has ended."""
        self.transport = None
        self._closed = True
        self._stream.end(f"the connection of the {self.name} broke")

    def stop(self) -> None:
        """End the stream: the hub stops."""
        self._stream.end(STOPS)

    def close(self) -> None:
        """Send what waits, then end the connection."""
        if self._closed:
            return
        self.write(CLOSE, (1000).to_bytes(2, "big"))
        self._closed = True
        transport = self.transport
        if transport is not None:
            transport.resume_reading()  # else its end would not be noticed
            transport.close()
            asyncio.get_running_loop().call_later(FAREWELL, transport.abort)


class Stream:
    """One stream, from the request of the client until it ended."""

    def __init__(
        self,
        record: StreamRecord,
        actor: Actor,
        opened: Callable[[Stream], None],
        ended: Callable[[Stream, str], None],
        passed: Callable[[], None] = lambda: None,
    ) -> None:
        """Call `passed` when bytes pass."""
        self.record, self.actor = record, actor
        self._opened, self._passed = opened, passed
        self.client = End(self, "client")
        self.host = End(self, "host")
        self.asked: dict[str, Any] = {}
        """What the client is shown while the stream waits."""
        self.began = self.moved = monotonic()
        self.opened: float | None = None
        self.sent = self.received = 0
        """Bytes to the host and from it."""
        self.taken = False
        """Whether the host brings its end now."""
        self.code = ""
        self._ended: Callable[[Stream, str], None] | None = ended

    @property
    def over(self) -> bool:
        """Return whether it has ended."""
        return self._ended is None

    def other(self, end: End) -> End:
        """Return the other end."""
        return self.host if end is self.client else self.client

    def made(self, end: End) -> None:
        """Begin to wait with the client's end; begin to pass bytes on with the host's."""
        if end is self.client and self.host.transport is None:
            end.report(**self.asked)
            return
        if self.client.transport is None or self.host.transport is None:
            return  # the host was faster than the answer to the client
        self.opened = self.moved = monotonic()
        self.client.report(state="open", host=self.record.host_uid, port=self.record.port)
        self._opened(self)

    def data(self, end: End, piece: bytes) -> None:
        """Pass bytes on."""
        if self.opened is None:
            self.end(f"the {end.name} sent bytes before the stream was open")
            return
        self.moved = monotonic()
        self._passed()
        if end is self.client:
            self.sent += len(piece)
        else:
            self.received += len(piece)
        self.other(end).write(BINARY, piece)

    def fail(self, code: str, message: str) -> None:
        """End a stream that did not open; the client gets the reason."""
        if not self.over:
            self.code = code
            self.client.report(state="failed", code=code, message=message)
            self.end(message)

    def end(self, reason: str) -> None:
        """End both ends."""
        ended, self._ended = self._ended, None
        if ended is None:
            return
        self.client.close()
        self.host.close()
        ended(self, reason[:MAX_REASON])

    def look(self, now: float) -> None:
        """End a stream that is idle or has lost an end; check ends that are silent. `now` is monotonic."""
        if self.opened is not None and now - self.moved > relay.IDLE:
            self.end(f"nothing was sent for {relay.IDLE / 60:.0f} minutes")
            return
        for end in (self.client, self.host):
            if end.transport is None or end.waits or self.over:
                continue
            silent = now - end.last_frame
            if silent > relay.SILENT and self.opened is not None:
                self.end(f"the {end.name} did not answer for {silent:.0f} s")
            elif silent > relay.PING:
                end.write(PING, b"")
