"""The orders of the hosts: by name, and by a time."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from heapq import merge
from itertools import compress
from math import isnan, nan
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from edgewright.hub.readmodel.index.masks import Mask
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
    """All hosts by name."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.slots: list[int] = []
        """The slot of each of `orders`."""
        self._pick: Callable[[bytes], Sequence[int]] | None = None

    def fill(self, orders: list[Order], slots: list[int]) -> None:
        """Take all hosts, sorted, and the slot of each."""
        self.orders, self.slots = orders, slots
        self._pick = None

    def add(self, order: Order, slot: int) -> None:
        """Take one more host."""
        index = bisect_left(self.orders, order)
        self.orders.insert(index, order)
        self.slots.insert(index, slot)
        self._pick = None

    def remove(self, order: Order) -> None:
        """Drop a host."""
        index = bisect_left(self.orders, order)
        del self.orders[index], self.slots[index]
        self._pick = None

    def selection(self, mask: Mask, size: int) -> Sequence[int]:
        """Return 1 or 0 for each host in the order of names: whether it belongs to a mask."""
        if self._pick is None:
            self._pick = _picker(self.slots)
        return self._pick(mask.to_bytes(size, "little"))

    def slots_in(self, mask: Mask, size: int) -> list[int]:
        """Return the slots of a mask in the order of names."""
        return list(compress(self.slots, self.selection(mask, size)))

    def beginning(self, folded: str) -> list[int]:
        """Return the slots whose name without case begins with a text."""
        low = bisect_left(self.orders, (folded,))
        high = bisect_left(self.orders, True, low, key=lambda order: not order[0].startswith(folded))
        return self.slots[low:high]


def _picker(slots: Sequence[int]) -> Callable[[bytes], Sequence[int]]:
    if len(slots) < 2:
        return lambda bits: tuple(bits[slot] for slot in slots)
    return itemgetter(*slots)


class TimeOrder:
    """All hosts by a time, those of the same time by name; `sign` is -1 for the latest first.

    It is made when first asked for, and follows what changed since at the next question.
    """

    def __init__(self, times: Sequence[float], orders: Sequence[Order], sign: int) -> None:
        """Sort by `times` (`nan` where there is no host), then by `orders`; both are by slot."""
        self._times, self._orders, self._sign = times, orders, sign
        self._time_of: list[float] = []
        self._order_of: list[Order] = []
        """What each slot is sorted by in `slots`; the time of one that is not there is `nan`."""
        self.slots = array("L")
        """Numbers side by side in memory: they are read in an order in which objects would be far apart."""
        self.stale: set[int] = set()
        self._made = self._sorting = False

    @property
    def current(self) -> bool:
        """Return whether nothing has changed since it was made."""
        return self._made and not self.stale

    async def refresh(self, everything: Sequence[int], pace: Pace) -> None:
        """Follow what changed; `everything` are the slots of all hosts."""
        while self._sorting:
            await pace.rest()  # another search sorts it
        if not self._made or len(self.stale) > _MANY:
            self._sorting, self._made = True, False
            self.stale.clear()
            try:
                self._time_of, self._order_of = [self._sign * time for time in self._times], list(self._orders)
                slots = [slot for slot in everything if not isnan(self._time_of[slot])]
                self.slots = array("L", await sorted_in_slices(slots, self._key, pace))
            finally:
                self._sorting = False
            self._made = True
        missing = len(self._times) - len(self._time_of)
        self._time_of += [nan] * missing
        self._order_of += self._orders[len(self._order_of) :]
        for slot in self.stale:
            if not isnan(self._time_of[slot]):
                # A host that was deleted and came again may have another slot, for a moment with the same key.
                del self.slots[self.slots.index(slot, bisect_left(self.slots, self._key(slot), key=self._key))]
                self._time_of[slot] = nan
        for slot in self.stale:
            self._time_of[slot], self._order_of[slot] = self._sign * self._times[slot], self._orders[slot]
            if not isnan(self._time_of[slot]):
                self.slots.insert(bisect_left(self.slots, self._key(slot), key=self._key), slot)
        self.stale.clear()

    def _key(self, slot: int) -> tuple[float, Order]:
        return self._time_of[slot], self._order_of[slot]
