"""Rows in their order, kept so while single rows change: thirty thousand are not sorted again for one heartbeat."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
Place = tuple[bool, Any, str, str]


class OrderedRows(Generic[Row]):
    """Keys of the rows that `keep` lets through, ordered by `order`; unknown values (None) come last either way.

    All rows are sorted, those that are hidden too, so that another filter sorts nothing.
    """

    def __init__(
        self,
        order: Callable[[Row], object],
        name: Callable[[Row], str],
        keep: Callable[[Row], bool] | None = None,
        reverse: bool = False,
    ) -> None:
        self._order = order
        self._name = name
        self._keep = keep
        self._reverse = reverse
        self._places: dict[str, Place] = {}
        self._sorted: list[Place] = []
        self._seen: set[str] | None = None if keep is None else set()
        """Keys that `keep` lets through; None without one."""

    def _place(self, key: str, row: Row) -> Place:
        value = self._order(row)
        unknown = value is None or value == ""
        return (unknown is not self._reverse, "" if unknown else value, self._name(row), key)

    def fill(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Take these rows and no others."""
        order, name, keep, reverse = self._order, self._name, self._keep, self._reverse
        places: dict[str, Place] = {}
        seen: set[str] | None = None if keep is None else set()
        for key, row in rows:  # `_place` written out: this runs thirty thousand times before the first frame
            value = order(row)
            unknown = value is None or value == ""
            places[key] = (unknown is not reverse, "" if unknown else value, name(row), key)
            if seen is not None and keep is not None and keep(row):
                seen.add(key)
        self._places, self._seen = places, seen
        self._sorted = sorted(places.values())

    def filter(self, keep: Callable[[Row], bool] | None, rows: Iterable[tuple[str, Row]]) -> None:
        """Let other rows through; `rows` are all rows as they are now, those of `fill` and `put`."""
        self._keep = keep
        self._seen = None if keep is None else {key for key, row in rows if keep(row)}

    def put(self, key: str, row: Row | None) -> bool:
        """Take the row as it is now (None: it is gone); return whether the list of keys changed."""
        before = self._places.get(key)
        after = None if row is None else self._place(key, row)
        seen_before = before is not None and (self._seen is None or key in self._seen)
        seen = row is not None and (self._keep is None or self._keep(row))
        if self._seen is not None:
            (self._seen.add if seen else self._seen.discard)(key)
        if before != after:
            if before is not None:
                del self._sorted[bisect_left(self._sorted, before)]
                del self._places[key]
            if after is not None:
                self._places[key] = after
                insort(self._sorted, after)
        return seen_before != seen or (seen and before != after)

    def keys(self) -> list[str]:
        """Return the keys in their order."""
        seen = self._seen
        if seen is None:
            found = [place[3] for place in self._sorted]
        else:
            found = [place[3] for place in self._sorted if place[3] in seen]
        if self._reverse:
            found.reverse()
        return found

    def __len__(self) -> int:
        return len(self._sorted) if self._seen is None else len(self._seen)
