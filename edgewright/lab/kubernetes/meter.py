"""Progress of a build as lines: how much of how much, the rate, the time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgewright.core.times import duration

Report = Callable[[str], None]


class Meter:
    """Counts the work of one part and reports it every few seconds.

    `total` may be an upper bound (`at_most`): what is in a cache already is never counted.
    """

    def __init__(
        self,
        what: str,
        unit: str,
        report: Report,
        *,
        every: float = 10.0,
        at_most: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._unit, self._report, self._every, self._clock = what, unit, report, every, clock
        self._bound = "at most " if at_most else ""
        self._began = self._last = clock()
        self.done = 0
        self.total = 0

    def step(self, count: int = 1) -> None:
        """Count further work that is done."""
        self.at(self.done + count)

    def at(self, done: int) -> None:
        """Set how much is done; reports when the last report is `every` seconds old."""
        self.done = done
        now = self._clock()
        if now - self._last >= self._every:
            self._last = now
            self._report(self.line())

    def line(self) -> str:
        """Return the progress as a line."""
        spent = max(self._clock() - self._began, 0.001)
        rate = self.done / spent
        text = f"{self._what}: {self.done:,}"
        if self.total:
            text += f" of {self._bound}{self.total:,}"
        text += f" {self._unit}, {rate:,.1f}/s"
        if self.total > self.done and rate > 0:
            text += f", {self._bound}{duration((self.total - self.done) / rate)} left"
        return text
