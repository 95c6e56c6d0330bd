"""An HTTP answer that must make progress: its head within a time and a size, its body at a least rate.

The time-out of a socket applies to each wait only: a peer or a link that lets one byte through every few seconds would
block the agent for hours, and `http.client` skips any number of `100 Continue` heads by itself. A thin link that still
delivers is given the time that it needs.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

GRACE = 20.0
"""Seconds until an answer is measured by its rate (P4)."""
LEAST_RATE = 256.0
"""Bytes a second that an answer must bring on average once `GRACE` is over."""
MAX_SECONDS = 120.0
"""Seconds that one answer may take in all."""
MAX_HEAD = 64 * 1024
"""Bytes before the body, `100 Continue` heads included."""


class _Timed(io.RawIOBase):
    """Reads a socket's file for as long as the answer arrives at its pace. `in_head` until the body begins."""

    def __init__(self, raw: io.RawIOBase, link: socket.socket, grace: float, max_seconds: float) -> None:
        self._raw = raw
        self._link = link
        self._each = link.gettimeout()
        self._began = time.monotonic()
        self._grace = grace
        self._max_seconds = max_seconds
        self._received = 0
        self.in_head = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        """Read once. Raises `TimeoutError` for an answer that is too slow, `ValueError` for a head without end."""
        allowed = min(self._max_seconds, self._grace + self._received / LEAST_RATE)
        left = self._began + allowed - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is too slow")
        if self.in_head and self._received > MAX_HEAD:
            raise ValueError("its head is too long")
        self._link.settimeout(left if self._each is None else min(left, self._each))
        try:
            count = self._raw.readinto(buffer)
        finally:
            self._link.settimeout(self._each)
        self._received += count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class Answer(http.client.HTTPResponse):
    """`http.client`'s own answer, read through `_Timed`."""

    grace = GRACE
    max_seconds = MAX_SECONDS

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self._timed = _Timed(self.fp.detach(), sock, self.grace, self.max_seconds)
        self.fp = io.BufferedReader(self._timed)

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        self._timed.in_head = False
