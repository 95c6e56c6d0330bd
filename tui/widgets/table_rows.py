"""Which rows a table has, where the cursor is and what is marked; all by key, without a widget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress


class TableRows:
    """Keys in their order; the cursor stays on its key when the order changes."""

    def __init__(self) -> None:
        self.keys: Sequence[str] = ()
        self.cursor = -1
        """Row of the cursor, -1 when there is none."""
        self.cursor_key = ""
        self.marks: set[str] = set()
        self._last_mark = ""
        self._places: dict[str, int] | None = None

    def replace(self, keys: Sequence[str]) -> None:
        """Take other keys. When the key of the cursor is removed, the row that came into its place takes the cursor."""
        before, key = self.cursor, self.cursor_key
        self.keys = keys
        self._places = None
        if 0 <= before < len(keys) and keys[before] == key:
            return
        result = None
        if key:
            with suppress(ValueError):
                result = keys.index(key)  # one look-up: faster than a map of thirty thousand keys
        self.cursor = min(max(before, 0), len(keys) - 1) if result is None else result
        self.cursor_key = keys[self.cursor] if self.cursor >= 0 else ""

    def place_of(self, key: str) -> int | None:
        """Return the row of `key`, None when there is none."""
        if 0 <= self.cursor < len(self.keys) and self.keys[self.cursor] == key:
            return self.cursor
        if self._places is None:
            self._places = {item: index for index, item in enumerate(self.keys)}
        return self._places.get(key)

    def move_to(self, index: int) -> bool:
        """Put the cursor on a row, clamped; return whether it is on another key now."""
        if not self.keys:
            return False
        before = self.cursor_key
        self.cursor = min(max(index, 0), len(self.keys) - 1)
        self.cursor_key = self.keys[self.cursor]
        return self.cursor_key != before

    def mark(self) -> bool:
        """Mark or unmark the key under the cursor; return whether there is one."""
        if not self.cursor_key:
            return False
        self._last_mark = self.cursor_key
        self.marks ^= {self.cursor_key}
        return True

    def mark_range(self) -> bool:
        """Mark all from the last mark to the cursor; without a mark in the table only the row of the cursor."""
        start = self.place_of(self._last_mark) if self._last_mark in self.marks else None
        if start is None or self.cursor < 0:
            return self.mark()
        low, high = sorted((start, self.cursor))
        self.marks |= set(self.keys[low : high + 1])
        return True

    def set_marks(self, keys: Iterable[str]) -> None:
        """Mark these keys and no others."""
        self.marks = set(keys)
