"""The host's end of a stream whose client is connected to another hub: all bytes are passed to that hub as they are.

The host connects to whichever hub its own addresses lead to. This hub repeats the host's request, with the host's own
credential, at the hub that has the client: both are one plane with one CA (rule P56), and that hub checks everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from edgewright.hub.http.problems import Problem
from edgewright.hub.resources.relay.streams import FAREWELL
from edgewright.hub.security import pki
from edgewright.wire import protocol
from edgewright.wire.protocol import relay

CONNECT = 5.0
"""Seconds for the other hub to answer."""
_MAX_HEAD = 16_384


class Bridge:
    """A `Pipe` of the host's connection, with the connection to the other hub behind it."""

    def __init__(self, far: Far, passed: Callable[[], None]) -> None:
        """Call `passed` when bytes pass."""
        self._far, self._passed = far, passed
        self._near: asyncio.Transport | None = None
        far.bridge = self

    def made(self, transport: asyncio.Transport) -> None:
        """Take the host's connection, and pass on what the other hub has sent already."""
        self._near = transport
        self._far.begin()

    def received(self, data: bytes) -> None:
        """Pass bytes of the host on."""
        self._passed()
        self._far.write(data)

    def send(self, data: bytes) -> None:
        """Pass bytes of the other hub on."""
        self._passed()
        if self._near is not None and not self._near.is_closing():
            self._near.write(data)

    def lost(self) -> None:
        """End the other connection too."""
        self._near = None
        self._far.close()

    def stop(self) -> None:
        """End both."""
        self.end()
        self._far.close()

    def end(self) -> None:
        """End the host's connection after what waits."""
        if self._near is not None:
            self._near.resume_reading()
            self._near.close()
            asyncio.get_running_loop().call_later(FAREWELL, self._near.abort)

    def paused(self) -> None:
        """Read the other hub no more for now."""
        self._far.reading(on=False)

    def resumed(self) -> None:
        """Read it again."""
        self._far.reading(on=True)

    def reading(self, *, on: bool) -> None:
        """Read the host, or do not."""
        if self._near is not None and not self._near.is_closing():
            if on:
                self._near.resume_reading()
            else:
                self._near.pause_reading()


class Far(asyncio.Protocol):
    """The connection to the other hub: first its answer, then bytes."""

    def __init__(self) -> None:
        self.bridge: Bridge | None = None
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._early = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the answer, then bytes."""
        if self._open and self.bridge is not None:
            self.bridge.send(data)
        elif self.answer.done():
            self._early += data
        else:
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if end:
                self._early = rest
                self.reading(on=False)  # until the host's connection takes it
                self.answer.set_result(head)
            elif len(self._head) > _MAX_HEAD:
                self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the host's connection too."""
        self._transport = None
        if not self.answer.done():
            self.answer.set_result(b"")
        if self.bridge is not None:
            self.bridge.end()

    def pause_writing(self) -> None:
        """Read the host no more for now."""
        if self.bridge is not None:
            self.bridge.reading(on=False)

    def resume_writing(self) -> None:
        """Read it again."""
        if self.bridge is not None:
            self.bridge.reading(on=True)

    def begin(self) -> None:
        """Pass bytes on from now on."""
        self._open = True
        early, self._early = self._early, b""
        if early and self.bridge is not None:
            self.bridge.send(early)
        self.reading(on=True)
        if self._transport is None and self.bridge is not None:
            self.bridge.end()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def reading(self, *, on: bool) -> None:
        """Read the other hub, or do not."""
        if self._transport is not None and not self._transport.is_closing():
            if on:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def close(self) -> None:
        """End the connection."""
        if self._transport is not None:
            self._transport.close()


async def connect(
    data: Path, address: str, target: str, headers: Mapping[str, str], passed: Callable[[], None]
) -> Bridge:
    """Repeat the request for `target` at the hub at `address`; raises `Problem` with its status when it refuses.

    503 when it does not answer: the host then tries another address of the plane. `data` has the CA of the plane.
    """
    parts = urlsplit(address if "://" in address else f"https://{address}")
    loop, far = asyncio.get_running_loop(), None
    try:
        context = await asyncio.to_thread(_context, data)
        async with asyncio.timeout(CONNECT):
            _, far = await loop.create_connection(Far, parts.hostname or "", parts.port or 443, ssl=context)
            lines = [f"GET {target} HTTP/1.1", f"Host: {parts.netloc}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            far.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
            head = await asyncio.shield(far.answer)
    except (OSError, ValueError, TimeoutError, ssl.SSLError):
        if far is not None:
            far.close()
        text = f"The hub at {parts.netloc} has the client of this stream and does not answer here."
        raise Problem(503, protocol.E_UNAVAILABLE, text, {"Retry-After": "1"}) from None
    status = _status(head)
    if status == 101:
        return Bridge(far, passed)
    far.close()
    code = {403: protocol.E_FORBIDDEN, 404: protocol.E_NOT_FOUND}.get(status, relay.E_ENDED)
    text = f"The hub at {parts.netloc}, which has the client of this stream, refused it ({status or 'no answer'})."
    raise Problem(status if 400 <= status < 600 else 503, code, text)


def _context(data: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(data / pki.CA_CERT))


def _status(head: bytes) -> int:
    with contextlib.suppress(ValueError, IndexError):
        return int(head.split(b" ", 2)[1])
    return 0
