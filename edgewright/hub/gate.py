"""The door of the hub: TLS before HTTP, and a word about those who turn back at it.

A host with the wrong CA or a wrong clock never gets as far as a request: it breaks the handshake off, and a server
normally keeps that to itself. Here the handshake is a step of its own, so that the peer's address and its reason (the
TLS alert that it sent) can be told to whoever watches the fleet.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

Report = Callable[[str, ssl.SSLError], None]
"""Told the peer's address and the error of a handshake that the peer broke off."""

HANDSHAKE = 10.0
"""Seconds that a handshake may take, so that a silent peer holds nothing for long."""


class _Early(asyncio.Protocol):
    """Keeps what a quick peer sends between the end of the handshake and the handing over."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.ended = False

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.chunks.append(data)

    def eof_received(self) -> bool:
        """Keep that there is no more."""
        self.ended = True
        return False


class Gate(asyncio.Protocol):
    """One connection until its handshake is done; the protocol that `make` returns goes on from there."""

    def __init__(self, context: ssl.SSLContext, report: Report, make: Callable[[], asyncio.Protocol]) -> None:
        self._context = context
        self._report = report
        self._make = make
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold the peer's first bytes back and begin the handshake."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        self._task = asyncio.get_running_loop().create_task(self._shake_hands(transport))

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        peer = transport.get_extra_info("peername")
        early = _Early()
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport, early, self._context, server_side=True, ssl_handshake_timeout=HANDSHAKE
            )
        except ssl.SSLError as error:
            self._report(str(peer[0]) if peer else "", error)
        except (OSError, asyncio.CancelledError):
            transport.abort()
        else:
            if secured is not None:
                self._hand_over(secured, early)

    def _hand_over(self, secured: asyncio.Transport, early: _Early) -> None:
        """Let the real protocol go on, from the first byte; nothing can come in between, since nothing is awaited."""
        protocol = self._make()
        secured.set_protocol(protocol)
        protocol.connection_made(secured)
        for chunk in early.chunks:
            protocol.data_received(chunk)
        if early.ended and not protocol.eof_received():
            secured.close()


def gated(http: Callable[..., asyncio.Protocol], context: ssl.SSLContext, report: Report) -> Callable[..., Gate]:
    """Return what uvicorn takes as its HTTP protocol class: a gate before each connection of `http`."""

    def make(**words: Any) -> Gate:
        return Gate(context, report, lambda: http(**words))

    return make
