"""The orders of the hosts: by name, and by a time."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from edgewright.hub.readmodel.index.masks import set_bytes
from edgewright.hub.readmodel.pace import Pace

if TYPE_CHECKING:
    from edgewright.hub.db.records import Order

_RUN = 2048
"""Elements that are sorted at once; sorted runs are merged one by one, giving way meanwhile."""
_MANY = 300
"""Changed hosts from which sorting all of them again costs less."""


async def sorted_in_slices(items: Sequence[Any], key: Callable[[Any], Any], pace: Pace) -> list[Any]:
    """Return the items sorted, giving way to other work."""
    runs = []
    for start in range(0, len(items), _RUN):
        runs.append(sorted(items[start : start + _RUN], key=key))
        if pace.due:
            await pace.rest()
    if len(runs) <= 1:
        return runs[0] if runs else []
    result = []
    for index, item in enumerate(merge(*runs, key=key)):
        result.append(item)
        if index % 256 == 0 and pace.due:
            await pace.rest()
    return result


class NameOrder:
    """All hosts by name: the first `base` slots are in that order, and later ones are sorted beside it.

    What a slot is ordered by never changes (`orders` only grows), so that a result need not copy it.
    """

    def __init__(self, orders: list[Order]) -> None:
        self._orders = orders
        self.base = 0
        self._later: list[Order] = []
        self._later_slots: list[int] = []

    @property
    def later(self) -> int:
        """Return how many hosts are in later slots."""
        return len(self._later)

    def add(self, slot: int) -> None:
        """Take a host in a slot from `base` on."""
        index = bisect_left(self._later, self._orders[slot])
        self._later.insert(index, self._orders[slot])
        self._later_slots.insert(index, slot)

    def remove(self, slot: int) -> None:
        """Drop the host of a slot."""
        if slot >= self.base:
            index = bisect_left(self._later, self._orders[slot])
            del self._later[index], self._later_slots[index]

    def slots_in(self, bits: bytes) -> Callable[[], Iterator[int]]:
        """Return what yields the slots whose byte is 1 in the order of names, however the fleet changes meanwhile."""
        orders, ordered = self._orders, bits[: self.base]
        count = ordered.count(1)
        later = [slot for slot in self._later_slots if bits[slot]]
        if not later:
            return lambda: set_bytes(ordered, count)
        return lambda: merge(set_bytes(ordered, count), later, key=orders.__getitem__)

    def beginning(self, folded: str) -> list[int]:
        """Return the slots whose name without case begins with a text, those of deleted hosts among them."""
        low, high = _range(self._orders, folded, self.base)
        low_later, high_later = _range(self._later, folded, len(self._later))
        return [*range(low, high), *self._later_slots[low_later:high_later]]


def _range(orders: Sequence[Order], folded: str, end: int) -> tuple[int, int]:
    low = bisect_left(orders, (folded,), 0, end)
    return low, bisect_left(orders, True, low, end, key=lambda order: not order[0].startswith(folded))


class TimeOrder:
    """All hosts by a time, those of the same time by name; `sign` is -1 for the latest first.

    It is made when first asked for, and follows what changed since at the next question.
    """

    def __init__(self, times: Sequence[float], orders: Sequence[Order], sign: int) -> None:
        """Sort by `times` (`nan` where there is no host), then by `orders`; both are by slot."""
        self._times, self._orders, self._sign = times, orders, sign
        self.slots = array("L")
        self.times = array("d")
        """What each slot is sorted by in `slots`, times `sign`; that of one that is not there is `nan`."""
        self.stale: set[int] = set()
        self._made = self._sorting = False

    @property
    def current(self) -> bool:
        """Return whether nothing has changed since it was made."""
        return self._made and not self.stale

    async def refresh(self, pace: Pace) -> None:
        """Follow what changed."""
        while self._sorting:
            await pace.rest()  # another search sorts it
        if not self._made or len(self.stale) > _MANY:
            self._sorting, self._made = True, False
            self.stale.clear()
            try:
                self.times = array("d", [self._sign * time for time in self._times])
                slots = [slot for slot, time in enumerate(self.times) if not isnan(time)]
                self.slots = array("L", await sorted_in_slices(slots, self._key, pace))
            finally:
                self._sorting = False
            self._made = True
        self.times.extend([nan] * (len(self._times) - len(self.times)))
        for slot in self.stale:
            if not isnan(self.times[slot]):
                # A host that came again after a change has another slot, for a moment with the same key.
                del self.slots[self.slots.index(slot, bisect_left(self.slots, self._key(slot), key=self._key))]
                self.times[slot] = nan
        for slot in self.stale:
            self.times[slot] = self._sign * self._times[slot]
            if not isnan(self.times[slot]):
                self.slots.insert(bisect_left(self.slots, self._key(slot), key=self._key), slot)
        self.stale.clear()

    def _key(self, slot: int) -> tuple[float, Order]:
        return self.times[slot], self._orders[slot]
