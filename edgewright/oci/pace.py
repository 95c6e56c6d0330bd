"""Least rate of a transfer: a peer that sends or takes one byte a minute must not occupy a thread for days.

Only time that is spent waiting counts, so that a slow disk of our own is not the peer's fault. Limits are wide enough
for a link of 300 bytes a second.
"""

from __future__ import annotations

from typing import NamedTuple

SMALL_RATE = 1000


class Limits(NamedTuple):
    """Bounds of one reply. Times in seconds of waiting."""

    connect: float = 15.0
    """For name, TCP, proxy and TLS handshake, each."""
    wait: float = 60.0
    """Until the reply's head is complete, and for each pause in a body."""
    window: float = 60.0
    """Stretch of waiting in which at least `least` bytes must move."""
    least: int = 15_000
    head: int = 64 * 1024
    """Bytes before the body, `100 Continue` heads included."""
    store: float = 300.0
    """As `wait`, for the head of a reply to data that was sent: a registry moves a large blob into its store first."""
    small: float = 120.0
    """For all of a reply that is read into memory, and one more for each `SMALL_RATE` bytes of it."""


class TooSlow(TimeoutError):
    """The peer moves fewer bytes than the limits ask for."""


class Pace:
    """Counts bytes and waiting of one direction of one exchange."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._silent = self._waited = 0.0
        self._moved = 0

    def waited(self, seconds: float) -> None:
        """Count a wait. Raises `TooSlow`."""
        self._silent += seconds
        self._waited += seconds
        if self._silent >= self._limits.wait:
            raise TooSlow("no data")
        if self._waited >= self._limits.window:
            if self._moved < self._limits.least:
                raise TooSlow("too little data")
            self._waited, self._moved = 0.0, 0

    def moved(self, count: int) -> None:
        """Count bytes that arrived or left."""
        self._silent = 0.0
        self._moved += count
