"""Reading a request's body within bounds: by size, by progress on the wire, and by the memory of strangers.

A body may take as long as its link needs: it is given up when nothing arrives for `stall` seconds, or when less than
`http_bounds.SLOWEST` bytes a second arrive on average. So a registration of 28 KB passes a link of 9.6 kbit/s, and a
peer that sends one byte now and then is cut off.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from edgewright.core.text import integer
from edgewright.hub.http import bounds
from edgewright.hub.http.problems import Problem
from edgewright.wire import protocol

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Received = Callable[[], "int | None"]

_CLOSE = {"Connection": "close"}
_DRAINED = 32
"""How many times the limit of a body is read and dropped, so that its sender gets to read the answer."""


class Disconnected(Exception):
    """The peer disconnected before its body was complete; no client waits for an answer."""


class Clock:
    """Decides how long to wait for the next piece of a body. `received` reports the bytes that TCP has received."""

    def __init__(self, stall: float, limit: int, received: Received | None = None) -> None:
        self._stall = stall
        self._received = received or (lambda: None)
        self._began = time.monotonic()
        self._first = self._received() or 0
        self._last = 0
        self._end = self._began + stall + limit / bounds.SLOWEST
        self._size = 0

    def progress(self, size: int) -> None:
        """Note that the application got `size` bytes."""
        self._size += size
        self._last = self._arrived()

    def seconds(self) -> float:
        """Return how long to wait at most before `is_late` is asked."""
        now = time.monotonic()
        allowed = self._began + self._stall + self._arrived() / bounds.SLOWEST
        return max(0.0, min(self._stall, allowed - now, self._end - now))

    def is_late(self) -> bool:
        """Return whether to give up after a wait of `seconds` in which no piece was complete."""
        now = time.monotonic()
        arrived = self._arrived()
        stalled = arrived <= self._last
        self._last = arrived
        return stalled or now >= self._end or now - self._began > self._stall + arrived / bounds.SLOWEST

    def problem(self) -> Problem:
        """Return the answer for a body that is given up."""
        message = (
            f"The body did not arrive in time: nothing came for {self._stall:g} s, "
            f"or less than {bounds.SLOWEST} bytes a second."
        )
        return Problem(408, protocol.E_REQUEST, message, _CLOSE)

    def _arrived(self) -> int:
        wire = self._received()
        return self._size if wire is None else max(self._size, wire - self._first)


class BodyReader:
    """One body of at most `limit` bytes; `stranger` is the address whose share of `budget` it uses, or `None`."""

    def __init__(
        self, receive: Receive, clock: Clock, limit: int, budget: bounds.Budget, stranger: str | None = None
    ) -> None:
        self._receive = receive
        self._clock = clock
        self._limit = limit
        self._budget = budget
        self._stranger = stranger
        self._charged = 0

    async def read(self, length: str, *, expects: bool) -> bytes:
        """Return the body; `length` is the header Content-Length, `expects` whether the peer waits for 100 Continue.

        Raises `Problem` 413 above the limit, 408 for one that makes too little progress and 503 when strangers use all
        the memory that they may, and `Disconnected`.
        """
        try:
            if (integer(length or "0") or 0) > self._limit:
                if not expects:
                    await self._drain(0)
                raise self._too_large()
            return await self._collect()
        finally:
            if self._stranger is not None:
                self._budget.give(self._stranger, self._charged)

    async def _collect(self) -> bytes:
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            chunk, more = await self._next()
            size += len(chunk)
            if size > self._limit:
                chunks.clear()
                if more:
                    await self._drain(size)
                raise self._too_large()
            self._charge(len(chunk))
            chunks.append(chunk)
        return b"".join(chunks)

    async def _next(self) -> tuple[bytes, bool]:
        """Return the next piece and whether more follows."""
        while True:
            try:
                async with asyncio.timeout(self._clock.seconds()):
                    message = await self._receive()
                break
            except TimeoutError:
                if self._clock.is_late():
                    raise self._clock.problem() from None
        if message["type"] != "http.request":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        self._clock.progress(len(chunk))
        return chunk, bool(message.get("more_body"))

    async def _drain(self, size: int) -> None:
        """Drop the rest of a body piece by piece, so that the sender gets to read the answer."""
        more = True
        while more and size <= _DRAINED * self._limit:
            chunk, more = await self._next()
            size += len(chunk) + 1

    def _charge(self, size: int) -> None:
        if self._stranger is None:
            return
        if not self._budget.take(self._stranger, size):
            message = "The hub is receiving too many unfinished requests; try again in a moment."
            raise Problem(503, protocol.E_UNAVAILABLE, message, {**_CLOSE, "Retry-After": "10"})
        self._charged += size

    def _too_large(self) -> Problem:
        message = f"The body is larger than the {self._limit} bytes that this hub takes."
        return Problem(413, protocol.E_TOO_LARGE, message, _CLOSE)
