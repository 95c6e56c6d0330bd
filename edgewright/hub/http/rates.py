"""How fast one host may add to what is stored: a token bucket for each, counted on a clock that never jumps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

_MAX_NAMES = 100_000


class Rates:
    """Token buckets by name: `burst` at once, then `per_minute`."""

    def __init__(self, per_minute: float, burst: float, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_minute / 60.0
        self._burst = max(burst, 1.0)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, count: int = 1) -> float:
        """Take `count` from the bucket of `name` and return 0, or take nothing and return the seconds to wait.

        More than a full bucket at once is never possible; the wait returned for it is that for a full one.
        """
        now = self._clock()
        level, last = self._buckets.pop(name, (self._burst, now))
        level = min(self._burst, level + (now - last) * self._per_second)
        allowed = level >= count
        self._buckets[name] = (level - count if allowed else level, now)
        while len(self._buckets) > _MAX_NAMES:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else max(0.001, (min(count, self._burst) - level) / self._per_second)
