"""A connection that becomes a pipe: after the answer 101 its bytes go to a `Pipe` and no longer to the HTTP parser.

Everything before that is an ordinary request: the same bounds, credentials, roles and errors. So a route of the relay
is a route like any other, and answers with `Upgrade` in place of a body.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, cast

from starlette.requests import Request
from starlette.responses import Response

from edgewright.hub.http.problems import Problem
from edgewright.hub.http.protocol import BoundedProtocol, Phase
from edgewright.wire import websocket
from edgewright.wire.protocol import relay

SCOPE = "edgewright.upgrade"
HIGH_WATER = 65_536
"""Bytes that wait to be written on one connection before its source is no longer read."""


class Pipe(Protocol):
    """What takes the bytes of a connection from the answer on."""

    def made(self, transport: asyncio.Transport) -> None:
        """Take the connection."""

    def received(self, data: bytes) -> None:
        """Take bytes."""

    def lost(self) -> None:
        """Note that the connection has ended."""

    def paused(self) -> None:
        """Note that the peer does not read as fast as is written."""

    def resumed(self) -> None:
        """Note that it has read what waited."""

    def stop(self) -> None:
        """End the connection in good order: the hub stops."""


class UpgradableProtocol(BoundedProtocol):
    """One connection, which a handler may turn into a pipe."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._pipe: Pipe | None = None

    def on_headers_complete(self) -> None:
        """Let the handler of a request that asks for it take the connection."""
        if self.parser.should_upgrade():
            cast(Any, self.scope)[SCOPE] = self
        super().on_headers_complete()

    def prepare(self) -> bool:
        """Return whether this connection can become a pipe now; its next answer has no body then."""
        idle = not self.pipeline and self._phase is Phase.BETWEEN and not self._refused
        if not idle or self.transport.is_closing() or self._at < len(self._backlog):
            return False
        self.cycle.chunked_encoding = False  # else the answer 101 would name an encoding
        self.cycle.keep_alive = True
        return True

    def attach(self, pipe: Pipe) -> None:
        """Hand the connection to a pipe. The answer 101 was written."""
        cycle = self.cycle
        cycle.response_complete = True
        self._disarm()
        self._unset_keepalive_if_required()
        self._pipe = pipe
        if self.transport.is_closing():
            self._pipe = None
            pipe.lost()
            return
        self.transport.set_write_buffer_limits(high=HIGH_WATER)
        pipe.made(self.transport)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        if self._pipe is None:
            super().data_received(data)
        elif not self.transport.is_closing():
            self._pipe.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the pipe too."""
        pipe, self._pipe = self._pipe, None
        super().connection_lost(exc)
        if pipe is not None:
            pipe.lost()

    def pause_writing(self) -> None:
        """Let the pipe read less; a pipe may wait as long as its ends are there."""
        if self._pipe is None:
            super().pause_writing()
        else:
            self._pipe.paused()

    def resume_writing(self) -> None:
        """Let the pipe read again."""
        if self._pipe is None:
            super().resume_writing()
        else:
            self._pipe.resumed()

    def shutdown(self) -> None:
        """End a pipe at once: its client opens another one at the next hub."""
        if self._pipe is None:
            super().shutdown()
        else:
            self._pipe.stop()


class Upgrade(Response):
    """The answer 101 to a request for a WebSocket; `pipe` gets the connection."""

    def __init__(self, key: str, pipe: Pipe) -> None:
        super().__init__(status_code=101)
        self._key, self._pipe = key, pipe

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, then hand the connection over."""
        connection: UpgradableProtocol = scope[SCOPE]
        if not connection.prepare():
            self._pipe.lost()
            return
        headers = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", websocket.accept(self._key).encode()),
        ]
        await send({"type": "http.response.start", "status": 101, "headers": headers})
        connection.attach(self._pipe)


def key_of(request: Request) -> str:
    """Return the key of a request for a WebSocket; raises `Problem` 426 for any other request."""
    headers = request.headers
    key = headers.get("sec-websocket-key", "")
    asked = headers.get("upgrade", "").lower() == "websocket" and headers.get("sec-websocket-version") == "13"
    if not asked or not websocket.is_key(key) or SCOPE not in request.scope or request.method != "GET":
        sent = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": websocket.VERSION}
        raise Problem(426, relay.E_UPGRADE, "This path is opened as a WebSocket (version 13).", sent)
    return key
