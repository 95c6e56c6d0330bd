"""Noticing that the plane's own clock was set, or stood still while the machine slept.

Silence is counted by the clock of day, since heartbeats are kept over restarts. When that clock jumps, or the machine
was suspended, nothing is known of the hosts for that time: to them it was an outage of the plane (rule P18).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from edgewright.core import times

JUMP = 10.0
"""Seconds between two looks by which both clocks may part; a time server slews far less."""


class ClockWatch:
    """Compares the clock of day with one that only counts while the machine runs."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._offset = times.now() - steady()

    def jumped(self) -> float:
        """Return by how many seconds the clock of day jumped since the last look; 0 when it did not."""
        offset = times.now() - self._steady()
        jump, self._offset = offset - self._offset, offset
        return jump if abs(jump) > JUMP else 0.0
