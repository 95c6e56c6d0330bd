"""How far a transfer is, how fast, and how long it still takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

SPAN = 12.0
"""Seconds that the shown rate is the mean of."""


class Progress(NamedTuple):
    """`done` of `total` bytes, bytes in a second, seconds left (None: not known yet), and what is done now."""

    done: int
    total: int
    rate: float
    left: float | None
    step: str = ""


Report = Callable[[Progress], None]


class Meter:
    """Takes the bytes that are done, in order."""

    def __init__(self, report: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self._report, self._clock = report, clock
        self._points: deque[tuple[float, int]] = deque()
        self._measured = 0
        self.total = 0

    @property
    def rate(self) -> float:
        """Bytes in a second of the last `SPAN` seconds, 0 where that is not known."""
        if len(self._points) < 2:
            return 0.0
        (began, first), (ended, last) = self._points[0], self._points[-1]
        return max(0.0, (last - first) / (ended - began)) if ended > began else 0.0

    def restart(self) -> None:
        """Measure again: a pause is not part of the rate."""
        self._points.clear()
        self._measured = 0

    def at(self, done: int, step: str = "") -> None:
        """Report that so many bytes are done."""
        now = self._clock()
        self._points.append((now, done))
        self._measured += 1
        while len(self._points) > 2 and now - self._points[0][0] > SPAN:
            self._points.popleft()
        rate = self.rate
        left = (self.total - done) / rate if rate > 0 and self._measured > 2 else None
        self._report(Progress(done, self.total, rate, left, step))
