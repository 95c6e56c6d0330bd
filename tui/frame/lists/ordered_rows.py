"""Rows in their order, maintained while single rows change: thirty thousand are not sorted again for one heartbeat."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
Place = tuple[bool, Any, str, str]


class OrderedRows(Generic[Row]):
    """Keys of the rows that `keep` accepts, ordered by `order`; unknown values (None) come last either way.

    All rows are sorted, those that are hidden too, so that another filter sorts nothing.
    """

    def __init__(
        self,
        order: Callable[[Row], object],
        name: Callable[[Row], str],
        retain: Callable[[Row], bool] | None = None,
        reverse: bool = False,
    ) -> None:
        self._order = order
        self._name = name
        self._retain = retain
        self._reverse = reverse
        self._places: dict[str, Place] = {}
        self._sorted: list[Place] = []
        self._seen: set[str] | None = None if retain is None else set()
        """Keys that `keep` accepts; None without one."""
        self._next: set[str] | None = None
        """Keys that the filter which is being applied lets through so far; None when none is."""

    def _place(self, key: str, row: Row) -> Place:
        value = self._order(row)
        unknown = value is None or value == ""
        return (unknown is not self._reverse, "" if unknown else value, self._name(row), key)

    def fill(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Take these rows and no others."""
        order, name, retain, reverse = self._order, self._name, self._retain, self._reverse
        places: dict[str, Place] = {}
        seen: set[str] | None = None if retain is None else set()
        for key, row in rows:  # `_place` written out: this runs thirty thousand times before the first frame
            value = order(row)
            unknown = value is None or value == ""
            places[key] = (unknown is not reverse, "" if unknown else value, name(row), key)
            if seen is not None and retain is not None and retain(row):
                seen.add(key)
        self._places, self._seen, self._next = places, seen, None
        self._sorted = sorted(places.values())

    def filter_in_pieces(
        self,
        retain: Callable[[Row], bool] | None,
        row_of: Callable[[str], Row | None],
        size: int,
        narrower: bool = False,
    ) -> Iterator[None]:
        """Let other rows through, when the iterator is at its end; it yields after each `size` rows that were asked.

        `row_of` gives a row as it is at that moment. Rows that `put` brings meanwhile are asked there. A `narrower`
        filter lets no row through that the one before did not: only the rows that are shown are asked.
        """
        before = self._seen
        self._retain, self._next = retain, None
        if retain is None:
            self._seen = None
            return
        asked = list(before if narrower and before is not None else self._places)
        self._next = matches = set()
        for start in range(0, len(asked), size):
            for key in asked[start : start + size]:
                row = row_of(key)
                if row is not None and retain(row):
                    matches.add(key)
            yield
        self._seen, self._next = matches, None

    @property
    def filtering(self) -> bool:
        """Whether a filter is being applied; the rows in sight are then no base for a narrower one."""
        return self._next is not None

    def put(self, key: str, row: Row | None) -> bool:
        """Take the row as it is now (None: it was removed); return whether the list of keys changed."""
        before = self._places.get(key)
        after = None if row is None else self._place(key, row)
        seen_before = before is not None and (self._seen is None or key in self._seen)
        seen = row is not None and (self._retain is None or self._retain(row))
        if self._next is not None:  # the rows in sight stay those of the filter before until the next one is applied
            (self._next.add if seen else self._next.discard)(key)
            seen = row is not None and seen_before
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
            matches = [place[3] for place in self._sorted]
        else:
            matches = [place[3] for place in self._sorted if place[3] in seen]
        if self._reverse:
            matches.reverse()
        return matches

    def __len__(self) -> int:
        return len(self._sorted) if self._seen is None else len(self._seen)
