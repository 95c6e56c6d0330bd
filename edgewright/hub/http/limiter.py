"""Two brakes: wrong credentials by address, and Palette's own limit of requests for tests of clients."""

from __future__ import annotations

import time
from collections import OrderedDict

_MAX_ADDRESSES = 10_000


class FailureLimiter:
    """Counts wrong credentials by address in fixed minutes.

    Only wrong ones are counted and only wrong ones are braked: a right credential of the same address always passes,
    since hosts of a site may share one address.
    """

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._seen: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def failed(self, address: str, now: float) -> float:
        """Count one failure; returns the seconds to wait when there were too many, else 0."""
        minute = int(now // 60)
        began, count = self._seen.pop(address, (minute, 0))
        count = count + 1 if began == minute else 1
        self._seen[address] = (minute, count)
        while len(self._seen) > _MAX_ADDRESSES:
            self._seen.popitem(last=False)
        return (minute + 1) * 60 - now if count > self._limit else 0.0

    def pause(self, address: str, now: float) -> float:
        """Return the seconds to wait before anything of this name is looked at, without counting; 0 for none."""
        minute = int(now // 60)
        began, count = self._seen.get(address, (minute, 0))
        return (minute + 1) * 60 - now if began == minute and count >= self._limit else 0.0


class Bucket:
    """So many at once, and one more each `seconds` later; counted by the machine's clock that is never set."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._left = float(size)
        self._at = time.monotonic()

    def take(self) -> bool:
        """Take one; returns whether there was one."""
        now = time.monotonic()
        self._left = min(self._size, self._left + (now - self._at) / self._seconds)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class PaletteLimiter:
    """Ten requests a second for each address and path prefix with a burst of 50, and five times that for some."""

    FAST = ("/v1/cloudconfigs", "/v1/clusterprofiles", "/v1/spectroclusters", "/v1/events/components")

    def __init__(self) -> None:
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def allow(self, address: str, path: str, now: float) -> bool:
        """Take one request out of the bucket; `False` when it is empty."""
        prefix = next((fast for fast in self.FAST if path.startswith(fast)), "/".join(path.split("/")[:3]))
        rate = 50.0 if prefix in self.FAST else 10.0
        burst = rate * 5
        tokens, last = self._buckets.pop((address, prefix), (burst, now))
        tokens = min(burst, tokens + max(0.0, now - last) * rate)
        allowed = tokens >= 1
        self._buckets[(address, prefix)] = (tokens - 1 if allowed else tokens, now)
        while len(self._buckets) > _MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return allowed
