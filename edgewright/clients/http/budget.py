"""The request budget: what Palette lets one source address ask, followed so exactly that 429 never occurs.

Palette counts by source address and path prefix: 10 requests a second (50 for some prefixes), with a burst of five
seconds' worth. Each prefix here is one bucket. A request reserves its moment before it waits, so that any number of
concurrent calls share a bucket exactly, in the order in which they came. Our burst is smaller than Palette's by a
margin, so that requests which the network bunches together still fit.
Source of the numbers: Palette's public rate-limit table.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

BURST_FACTOR: Final = 5
"""Palette's burst, in seconds' worth of its rate."""
MARGIN: Final = 0.2
"""Share of the burst that is left unused against bunching on the way."""
PENALTY: Final = 2.0
"""Seconds of silence after a first 429; doubled with each further one, 60 at most."""
RECOVERY: Final = 60.0
"""Seconds without a 429 after which a slowed bucket has its full rate again."""


class Rule(NamedTuple):
    """One row of the table: paths that match `pattern` share `rate` requests a second under the name `prefix`."""

    prefix: str
    pattern: re.Pattern[str]
    rate: float


def _rule(prefix: str, rate: float) -> Rule:
    pattern = "".join(r"/[^/]+" if part.startswith(":") else "/" + re.escape(part) for part in prefix.split("/")[1:])
    return Rule(prefix, re.compile(pattern + r"(?:[/?]|$)"), rate)


PALETTE_RULES: Final[tuple[Rule, ...]] = (
    _rule("/v1/auth/user/password/reset", 2.0),
    _rule("/v1/spectroclusters/features/logFetcher", 10.0),
    _rule("/v1/spectroclusters/:uid/assets", 10.0),
    _rule("/v1/spectroclusters/:uid/download", 10.0),
    _rule("/v1/spectroclusters/:uid/features/logFetcher", 10.0),
    _rule("/v1/spectroclusters/:uid/profiles", 50.0),
    _rule("/v1/edgehosts/:uid/health", 10.0),
    _rule("/v1/edgehosts/:uid/spc/download", 10.0),
    _rule("/v1/cloudconfigs", 50.0),
    _rule("/v1/clusterprofiles", 50.0),
    _rule("/v1/spectroclusters", 50.0),
    _rule("/v1/events/components", 50.0),
)
"""The special rows, the longest first; every other `/v1/NAME` is a prefix of its own with 10 a second."""

DEFAULT_RATE: Final = 10.0


class Bucket:
    """One prefix. `reserve` gives the moment of each request; the moments respect `rate` and `burst` in any case."""

    def __init__(self, rate: float, burst: int) -> None:
        self.nominal, self.nominal_burst = rate, burst
        self.rate, self.burst = rate, burst
        self._due = float("-inf")
        self._strikes = 0
        self._penalised = float("-inf")

    def reserve(self, now: float) -> float:
        """Return the moment (same clock as `now`, never before it) at which the next request may go."""
        self._recover(now)
        moment = max(now, self._due - (self.burst - 1) / self.rate)
        self._due = max(self._due, moment) + 1.0 / self.rate
        return moment

    def refuse(self, now: float, retry_after: float | None) -> float:
        """Note a 429 caused by another request; return the seconds until the next request may go."""
        if now - self._penalised > 1.0:  # requests that were under way together are one refusal
            self._strikes += 1
            self.rate = max(self.nominal / 8, self.rate / 2)
            self._penalised = now
        wait = retry_after if retry_after is not None else min(60.0, PENALTY * 2.0 ** (self._strikes - 1))
        self.burst = 1
        self._due = max(self._due, now + wait)
        return wait

    def _recover(self, now: float) -> None:
        if self._strikes and now - self._penalised >= RECOVERY:
            self.rate, self.burst, self._strikes = self.nominal, self.nominal_burst, 0
            self._due = max(self._due, now + (self.burst - 1) / self.rate)  # no burst on top of what was just sent


class Budget:
    """The buckets of one source address. Share one budget among all clients that speak to the same plane."""

    def __init__(
        self,
        *,
        limited: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.limited = limited
        self.refusals = 0
        """How many 429 answers came so far."""
        self._clock = clock
        self._sleep = sleep
        self._buckets: dict[str, Bucket] = {}

    @classmethod
    def unlimited(cls) -> Budget:
        """Return a budget that lets everything pass (for a hub, which protects itself); it still obeys a 429."""
        return cls(limited=False)

    def bucket(self, path: str) -> Bucket:
        """Return the bucket that a path counts against."""
        prefix, rate = match(path)
        result = self._buckets.get(prefix)
        if result is None:
            burst = max(1, int(rate * BURST_FACTOR * (1 - MARGIN)))
            result = self._buckets[prefix] = Bucket(rate, burst)
        return result

    def reserve(self, path: str) -> float:
        """Take one request of the path's budget; return the seconds to wait before it may be sent."""
        if not self.limited:
            return 0.0
        now = self._clock()
        return self.bucket(path).reserve(now) - now

    async def acquire(self, path: str) -> None:
        """Wait until a request to `path` may be sent. A cancelled waiter gives up its place unused."""
        delay = self.reserve(path)
        if delay > 1e-9:  # less is the rounding of sums
            await self._sleep(delay)

    async def refused(self, path: str, retry_after: float | None = None) -> None:
        """Note a 429 for `path`, slow its prefix down, and wait until it may be tried again."""
        self.refusals += 1
        await self._sleep(self.bucket(path).refuse(self._clock(), retry_after))

    @staticmethod
    def floor(requests: int, path: str = "/v1/dashboard/edgehosts/search") -> float:
        """Return the least seconds in which the plane itself lets `requests` requests to `path` pass."""
        _prefix, rate = match(path)
        return max(0.0, (requests - rate * BURST_FACTOR) / rate)


def match(path: str) -> tuple[str, float]:
    """Return the prefix that a path counts against and its requests a second."""
    for rule in PALETTE_RULES:
        if rule.pattern.match(path):
            return rule.prefix, rule.rate
    return "/".join(path.split("?", 1)[0].split("/", 3)[:3]), DEFAULT_RATE
