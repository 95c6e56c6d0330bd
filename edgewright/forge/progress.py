"""How long work reports progress, and how it is stopped.

Work takes a `Job`: it calls `job.step(...)` when a new part begins, `job.at(done, total)` as often as it likes, and
`job.check()` wherever it can stop. What it reports goes to a sink, throttled, with rate and time left.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from edgewright.core.errors import Cancelled
from edgewright.core.times import duration

Unit = Literal["bytes", "steps", "seconds"]


class Progress(NamedTuple):
    """Where the work is: `done` of `total` (0: not known) in `unit`, `rate` per second, `left` seconds or None."""

    step: str
    done: int = 0
    total: int = 0
    unit: Unit = "steps"
    rate: float = 0.0
    left: float | None = None

    def __str__(self) -> str:
        """Return the line as text, e.g. `writing the ISO  412 MB of 1.2 GB  96 MB/s  8 s left`."""
        if self.unit == "seconds" and not self.done:
            return self.step
        if self.unit == "seconds":
            return f"{self.step}  {self.done} s" + (f" of {self.total} s at most" if self.total else "")
        if not self.done and not self.total:
            return self.step
        show = size if self.unit == "bytes" else str
        parts = [self.step, f"{show(self.done)} of {show(self.total)}" if self.total else show(self.done)]
        if self.rate and self.unit == "bytes":
            parts.append(f"{size(int(self.rate))}/s")
        if self.left is not None and self.left >= 1:
            parts.append(f"{duration(self.left)} left")
        return "  ".join(parts)


def size(count: int) -> str:
    """Return a number of bytes as text, in powers of ten: `412 MB`, `1.2 GB`."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


Sink = Callable[[Progress], None]


class Job:
    """One run of long work: reports to a sink at most every `every` seconds, new steps at once; can be cancelled."""

    def __init__(self, sink: Sink = lambda progress: None, every: float = 0.5) -> None:
        self._sink = sink
        self._every = every
        self._cancelled = threading.Event()
        self._step = ""
        self._unit: Unit = "steps"
        self._began = self._reported = time.monotonic()

    def cancel(self) -> None:
        """Ask the work to stop; safe from any thread."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work was asked to stop."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise `Cancelled` when the work was asked to stop."""
        if self.cancelled:
            raise Cancelled

    def step(self, text: str, unit: Unit = "bytes") -> None:
        """Begin a new part of the work; reported at once. Raises `Cancelled`."""
        self.check()
        self._step, self._unit = text, unit
        self._began = self._reported = time.monotonic()
        self._sink(Progress(text, unit=unit))

    def at(self, done: int, total: int = 0) -> None:
        """Report how far the present part is. Raises `Cancelled`."""
        self.check()
        now = time.monotonic()
        if now - self._reported < self._every and (not total or done < total):
            return
        self._reported = now
        took = now - self._began
        rate = done / took if took > 0 else 0.0
        left = (total - done) / rate if rate and total else None
        self._sink(Progress(self._step, done, total, self._unit, rate, left))
