"""Rows in their order, kept so while single rows change: thirty thousand are not sorted again for one heartbeat."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
Place = tuple[bool, Any, str, str]


class OrderedRows(Generic[Row]):
    """Keys of the rows that `keep` lets through, ordered by `order`; unknown values (None) come last either way."""

    def __init__(
        self,
        order: Callable[[Row], object],
        name: Callable[[Row], str],
        keep: Callable[[Row], bool] = lambda row: True,
        reverse: bool = False,
    ) -> None:
        self._order = order
        self._name = name
        self._keep = keep
        self._reverse = reverse
        self._places: dict[str, Place] = {}
        self._sorted: list[Place] = []

    def _place(self, key: str, row: Row) -> Place:
        value = self._order(row)
        unknown = value is None or value == ""
        return (unknown is not self._reverse, "" if unknown else value, self._name(row), key)

    def fill(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Take these rows and no others."""
        order, name, keep, reverse = self._order, self._name, self._keep, self._reverse
        places: dict[str, Place] = {}
        for key, row in rows:  # `_place` written out: this runs thirty thousand times before the first frame
            if keep(row):
                value = order(row)
                unknown = value is None or value == ""
                places[key] = (unknown is not reverse, "" if unknown else value, name(row), key)
        self._places = places
        self._sorted = sorted(places.values())

    def put(self, key: str, row: Row | None) -> bool:
        """Take the row as it is now (None: it is gone); return whether the list of keys changed."""
        before = self._places.get(key)
        after = self._place(key, row) if row is not None and self._keep(row) else None
        if before == after:
            return False
        if before is not None:
            del self._sorted[bisect_left(self._sorted, before)]
            del self._places[key]
        if after is not None:
            self._places[key] = after
            insort(self._sorted, after)
        return True

    def keys(self) -> list[str]:
        """Return the keys in their order."""
        found = [place[3] for place in self._sorted]
        if self._reverse:
            found.reverse()
        return found

    def __len__(self) -> int:
        return len(self._sorted)
