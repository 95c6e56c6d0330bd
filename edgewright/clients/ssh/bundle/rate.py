"""A limit of bytes in a second, as waits between reads; and a rate as it is typed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean

LEAST, MOST = 256, 10_000_000_000
_RATE = re.compile(r"(\d{1,10})([kKmMgG]?)(?:i?[bB])?(?:/s)?")
_FACTORS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def read_rate(text: str) -> int:
    """Return bytes in a second: `16K`, `2M`, `500`. Raises `InvalidInput`."""
    match = _RATE.fullmatch(text.strip())
    rate = int(match.group(1)) * _FACTORS[match.group(2).lower()] if match else 0
    if not LEAST <= rate <= MOST:
        raise InvalidInput(
            f"{clean(text, 40)} is not a valid rate.", f"Give bytes in a second, {LEAST} at least: 16K, 2M.", "BadRate"
        )
    return rate


class RateLimit:
    """Waits so that no more than `rate` bytes pass in a second (0: no limit); a pause is not made up for."""

    def __init__(
        self,
        rate: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.rate = rate
        self._clock, self._sleep = clock, sleep
        self._free_at = 0.0

    async def passed(self, count: int) -> float:
        """Wait after `count` bytes; return the seconds that were waited."""
        if not self.rate:
            return 0.0
        now = self._clock()
        self._free_at = max(self._free_at, now) + count / self.rate
        wait = self._free_at - now
        if wait > 0:
            await self._sleep(wait)
        return max(0.0, wait)
