"""An HTTP answer that must be whole within a time, from its first byte on.

The time-out of a socket holds for each wait only: a peer or a link that lets one byte through every few seconds would
hold the agent for hours in the head of an answer, which `http.client` reads to its end by itself.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

WHOLE = 60.0
"""Seconds that one answer may take in all."""


class _Timed(io.RawIOBase):
    """Reads a socket's file until a moment of the steady clock; each wait is no longer than what is left."""

    def __init__(self, raw: io.RawIOBase, link: socket.socket, whole: float) -> None:
        self._raw = raw
        self._link = link
        self._each = link.gettimeout()
        self._deadline = time.monotonic() + whole

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer trickled")
        self._link.settimeout(left if self._each is None else min(left, self._each))
        try:
            return self._raw.readinto(buffer)
        finally:
            self._link.settimeout(self._each)

    def close(self) -> None:
        self._raw.close()
        super().close()


class Answer(http.client.HTTPResponse):
    """`http.client`'s own answer, head and body within `WHOLE` seconds; then `TimeoutError`."""

    whole = WHOLE

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, self.whole))
