"""What the link to the terminal carries, measured by the answers to cursor position queries.

An answer means that the terminal has shown everything before its query. The quickest of the last answers is
the round trip; two queries sent in one go, one before and one after a frame, give the rate: the frame's bytes by the
seconds between their answers.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

SAMPLE = 400
"""Bytes from which a frame gives a measure of the rate."""
TOGETHER = 0.02
"""Seconds within which two queries count as sent in one go."""
SLOW_RATE, SLOW_ROUND_TRIP = 50_000.0, 0.4
"""Below this rate (bytes/s), or from this round trip (seconds) on, a link is slow."""
LEAVE = 1.5
"""A slow link is called fast again only when it is better than the limits by this factor: the title stays calm."""
_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
_STAY = 1.35


class Query(NamedTuple):
    """A cursor position query that was sent."""

    at: float
    """Seconds by the monotonic clock."""
    total: int
    """Bytes sent up to and with this query."""
    probe: bool = False
    """Its answer also shows whether the terminal knows REP."""
    place: tuple[int, int] | None = None
    """Column and row of the cursor in its answer, from 0; None when that is not known."""


class LinkMeter:
    """Round trip in seconds and rate in bytes a second; None until measured."""

    def __init__(self) -> None:
        self._trips: deque[float] = deque(maxlen=24)
        self._rates: deque[float] = deque(maxlen=5)
        self._last: tuple[Query, float] | None = None
        self._shown_rate = self._shown_trip = 0.0
        self.slow = False

    @property
    def round_trip(self) -> float | None:
        """Return the quickest of the last answers."""
        return min(self._trips) if self._trips else None

    @property
    def rate(self) -> float | None:
        """Return the median of the last samples."""
        return sorted(self._rates)[len(self._rates) // 2] if self._rates else None

    def answered(self, query: Query, now: float) -> None:
        """Take an answer that came at `now`."""
        self._trips.append(max(now - query.at, 0.0))
        last, self._last = self._last, (query, now)
        if last is not None and query.at - last[0].at < TOGETHER:
            size = query.total - last[0].total
            if size >= SAMPLE:
                self._rates.append(size / max(now - last[1], 0.001))
        self._judge()

    def _judge(self) -> None:
        rate, trip = self.rate, self.round_trip
        factor = LEAVE if self.slow else 1.0
        thin = rate is not None and rate < SLOW_RATE * factor
        far = trip is not None and len(self._trips) > 2 and trip >= SLOW_ROUND_TRIP / factor
        self.slow = thin or far

    @property
    def text(self) -> str:
        """Return the slow link as text, `link 20 KB/s 600 ms`, in steps that do not flicker; empty for a fast one."""
        if not self.slow:
            return ""
        parts = ["link"]
        if self.rate is not None:
            self._shown_rate = stepped(self.rate / 1000, self._shown_rate)
            parts.append(f"{self._shown_rate:g} KB/s")
        if self.round_trip is not None:
            self._shown_trip = stepped(self.round_trip * 1000, self._shown_trip)
            parts.append(f"{self._shown_trip:g} ms")
        return " ".join(parts)


def stepped(value: float, shown: float) -> float:
    """Return `value` rounded to 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten; `shown` as long as it is near enough."""
    if shown and shown / _STAY < value < shown * _STAY:
        return shown
    value = max(value, 0.1)
    power = 1.0
    while value >= power * 10:
        power *= 10
    while value < power:
        power /= 10
    steps = [step * power for step in (*_STEPS, 10.0)]
    return min(steps, key=lambda step: max(step / value, value / step))
