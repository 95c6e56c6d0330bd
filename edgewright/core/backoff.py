"""Waiting between tries: a random part of a ceiling that doubles, so that a fleet never knocks all at once."""

from __future__ import annotations

import random
from typing import Callable, Optional


class Backoff:
    """Waits for one peer; all times in seconds. `rng` returns a float in [0, 1)."""

    def __init__(self, base: float = 1.0, cap: float = 60.0, rng: Optional[Callable[[], float]] = None) -> None:
        if base <= 0 or cap < base:
            raise ValueError("a back-off needs 0 < base <= cap")
        self.base = base
        self.cap = cap
        self.failures = 0
        self._rng = rng or random.SystemRandom().random

    @property
    def ceiling(self) -> float:
        """Return the longest wait that `next` can give now."""
        # 2**60 s is beyond every cap; a larger exponent would only overflow
        return min(self.cap, self.base * 2.0 ** min(self.failures, 60))

    def next(self, at_least: float = 0.0) -> float:
        """Return the wait before the next try and count the failure; never below `at_least` (a `Retry-After`)."""
        wait = self._rng() * self.ceiling
        self.failures += 1
        return max(wait, at_least)

    def reset(self) -> None:
        """Start again from `base`, after a success."""
        self.failures = 0
