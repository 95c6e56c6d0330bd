"""A reply of a server within bounds: head and body limited in bytes, and in time by `Pace`.

The socket has a short time-out of its own (`SLICE`), so that a cancelled transfer stops within half a second also
while nothing arrives. `http.client` alone skips any number of `100 Continue` heads and reads trailers without end.
"""

from __future__ import annotations

import fcntl
import http.client
import io
import socket
import ssl
import struct
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any

from edgewright.oci.pace import SMALL_RATE, Limits, Pace, TooSlow

SLICE = 0.5
CHUNK = 256 * 1024
"""Bytes of one piece of a body."""
_RECORD = 16 * 1024
"""Bytes that one read of a TLS connection brings at most; a larger buffer would be allocated for nothing."""
_GATHER = 0.25
"""Seconds for which small reads are gathered into one piece."""


class TooLong(ValueError):
    """More bytes than a reply may have."""


class Feed(io.RawIOBase):
    """The bytes of one reply from the socket. `in_head` until the body begins."""

    def __init__(self, raw: io.RawIOBase, link: socket.socket, limits: Limits, check: Callable[[], None]) -> None:
        self._raw, self._link, self._limits, self._check = raw, link, limits, check
        self._pace = Pace(limits)
        self._head_wait = self._waited = 0.0
        self._unsent = unsent(link)
        self.received = 0
        self.in_head = True
        self.patience = limits.wait
        """Seconds of waiting that the head may take."""
        self.budget: int | None = None
        """Bytes that may still arrive for the body, framing included; None: any number."""
        self.deadline: float | None = None
        """Seconds of waiting for the rest of the reply; None: as long as it is fast enough."""

    def readable(self) -> bool:
        """Whether it can be read: it can."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read once. Raises `TooSlow`, `TooLong`, `OSError`, and what `check` raises."""
        if self.in_head and self.received > self._limits.head:
            raise TooLong("its head has no end")
        while True:
            began = time.monotonic()
            try:
                count = self._link.recv_into(buffer)
            except TimeoutError:
                self._count(time.monotonic() - began)
                self._check()
                continue
            self._count(time.monotonic() - began)
            break
        self.received += count
        self._pace.moved(count)
        if not self.in_head and self.budget is not None:
            self.budget -= count
            if self.budget < 0:
                raise TooLong("its body has no end")
        return count

    def _count(self, seconds: float) -> None:
        self._waited += seconds
        if self.in_head:
            left = unsent(self._link) if seconds > SLICE / 2 else self._unsent
            if left < self._unsent:  # the request itself still leaves over a thin link
                self._unsent, self._head_wait = left, 0.0
                return
            self._head_wait += seconds
            if self._head_wait >= self.patience:
                raise TooSlow("no reply")
            return
        if self.deadline is not None and self._waited >= self.deadline + self.received / SMALL_RATE:
            raise TooSlow("the reply takes too long")
        self._pace.waited(seconds)

    def close(self) -> None:
        """Let the connection go; it may be used again."""
        self._raw.close()
        super().close()


class Reply(http.client.HTTPResponse):
    """`http.client`'s own reply, read through a `Feed`."""

    def __init__(self, link: socket.socket, *args: Any, limits: Limits, check: Callable[[], None], **more: Any) -> None:
        super().__init__(link, *args, **more)
        self.limits = limits
        self._read_size = _RECORD if isinstance(link, ssl.SSLSocket) else CHUNK
        self.feed = Feed(self.fp.detach(), link, limits, check)
        if more.get("method") in ("PUT", "PATCH"):
            self.feed.patience = limits.store
        self.fp = io.BufferedReader(self.feed)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self.feed.in_head = False

    def pieces(self, most: int | None = None) -> Iterator[bytes]:
        """Yield the body in pieces of about `CHUNK` bytes, smaller ones from a slow link.

        `most`: bytes that the body may have. Raises `TooLong`, `TooSlow`, `OSError`, `http.client.IncompleteRead`
        for a body that ends early.
        """
        if most is not None:
            if self.length is not None and self.length > most:
                raise TooLong("its body is too long")
            self.feed.budget = 8 * most + self.limits.head  # a chunk of one byte takes six
        parts, have, done, began = [], 0, 0, time.monotonic()
        while True:
            data = self.read1(self._read_size)
            if data:
                parts.append(data)
                have, done = have + len(data), done + len(data)
            if most is not None and done > most:
                raise TooLong("its body is too long")
            if have and (not data or have >= CHUNK // 2 or time.monotonic() - began >= _GATHER):
                yield parts[0] if len(parts) == 1 else b"".join(parts)
                parts, have, began = [], 0, time.monotonic()
            if not data:
                break
        if self.length:
            raise http.client.IncompleteRead(b"", self.length)

    def small(self, most: int) -> bytes:
        """Return a body of at most `most` bytes. Raises as `pieces` does."""
        self.feed.deadline = self.limits.small
        return b"".join(self.pieces(most))

    def excerpt(self, most: int) -> bytes:
        """Return the first `most` bytes of a body, as an error's; the connection is closed when there are more."""
        self.feed.deadline, self.feed.budget = self.limits.small, 8 * most + self.limits.head
        parts, have = [], 0
        for piece in self.pieces():
            parts.append(piece)
            have += len(piece)
            if have > most:
                self.will_close = True
                break
        return b"".join(parts)[:most]


def unsent(link: socket.socket) -> int:
    """Return the bytes that the kernel has not sent or that were not acknowledged yet; 0 when it reports none."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(link.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0])
    except (OSError, ValueError):
        return 0
