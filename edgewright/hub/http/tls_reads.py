"""Reading from TLS into one buffer for all connections.

For an ordinary protocol uvloop allocates 256 KiB for each read, twice for each request. A block of that size is a
mapping of its own here (`allocator.return_large_blocks`), so each heartbeat cost some system calls and page faults, and
the hub took half as many. A protocol with a buffer of its own is read into without any of it. What is read is taken out
before the next read of any connection begins, so that one buffer serves them all.
"""

from __future__ import annotations

import asyncio

SIZE = 65_536
"""Bytes that one connection brings at once, before others get their turn."""

_BUFFER = memoryview(bytearray(SIZE))


class BufferedReads(asyncio.BufferedProtocol):
    """Passes everything on to a protocol that takes `bytes`."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._protocol: asyncio.Protocol | None = protocol
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass the transport on."""
        if self._protocol is not None:
            self._protocol.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on, and drop the protocol: uvloop's TLS would reference it through this object, in a circle."""
        protocol, self._protocol = self._protocol, None
        self.__dict__.pop("pause_writing", None)
        self.__dict__.pop("resume_writing", None)
        if protocol is not None:
            protocol.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """Pass on that the peer sends no more."""
        return None if self._protocol is None else self._protocol.eof_received()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer that all connections share."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what was read."""
        if self._protocol is not None:
            self._protocol.data_received(bytes(_BUFFER[:nbytes]))
