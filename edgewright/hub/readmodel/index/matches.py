"""What a search found, in order: all of it in lists, or as slots that are looked up page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.hub.db.records import Order

Value = str | float | bool | None
Column = Sequence[Value]


class Matches:
    """The hosts of a result in order, and the values of each field that they were sorted by, as they were then."""

    def __init__(self, orders: Sequence[Order], columns: Sequence[Column]) -> None:
        self._orders, self._columns = orders, columns

    def __len__(self) -> int:
        return len(self._orders)

    def part(self, start: int, end: int) -> Sequence[Order]:
        """Return what some hosts are ordered by, which ends with their uid."""
        return self._orders[start:end]

    def values(self, index: int) -> tuple[Value, ...]:
        """Return what one host was sorted by."""
        return tuple(column[index] for column in self._columns)

    def lists(self) -> tuple[Sequence[Order], Sequence[Column]]:
        """Return everything."""
        return self._orders, self._columns


class SlotMatches(Matches):
    """A result by slots: `orders` and `column` (for a search with one field to sort by) are by slot."""

    def __init__(
        self, total: int, slots: Callable[[], Iterator[int]], orders: Sequence[Order], column: Column | None
    ) -> None:
        """`slots` returns an iterator over the slots in order, the same each time."""
        self._total, self._slots, self._by_slot, self._column = total, slots, orders, column
        self._start, self._page = 0, list[int]()

    def __len__(self) -> int:
        return self._total

    def part(self, start: int, end: int) -> Sequence[Order]:
        """Return what some hosts are ordered by; the hosts before them are passed over."""
        return [self._by_slot[slot] for slot in self._slots_of(start, end)]

    def _slots_of(self, start: int, end: int) -> list[int]:
        """Return some slots; those of the page that was read last are stored."""
        begin, stop = start - self._start, end - self._start
        if not 0 <= begin <= stop <= len(self._page):
            self._start, self._page = start, list(islice(self._slots(), start, end))
            begin, stop = 0, end - start
        return self._page[begin:stop]

    def values(self, index: int) -> tuple[Value, ...]:
        """Return what one host was sorted by."""
        return () if self._column is None else (self._column[self._slots_of(index, index + 1)[0]],)

    def lists(self) -> tuple[Sequence[Order], Sequence[Column]]:
        """Return everything."""
        slots = list(self._slots())
        columns = [] if self._column is None else [[self._column[slot] for slot in slots]]
        return [self._by_slot[slot] for slot in slots], columns
