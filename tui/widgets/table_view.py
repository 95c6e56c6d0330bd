"""Which columns of a table are in sight now: the columns, how far they are moved sideways, and what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.widgets.table_layout import Column, Placed, last_offset, offset_showing, place

MORE_ROOM = 2
"""Cells at the end of the header for the sign that there are columns further right."""


class TableView:
    """Places columns in a width. What was measured only grows while the columns stay: tables do not jump."""

    def __init__(self, columns: Sequence[Column], frozen: int, longest: Callable[[str], int] | None = None) -> None:
        """`longest` gives the cells of the longest text in a column, by its id; without it widths are fixed."""
        self.columns = tuple(columns)
        self.frozen = frozen
        self.placed: tuple[Placed, ...] = ()
        self.shown: frozenset[int] = frozenset()
        self.width = -1
        """Width in which the columns were placed, -1 when they have to be placed again."""
        self._offset = 0
        self._longest = longest
        self._measured: dict[str, int] = {}

    def take(self, columns: Sequence[Column], stored: int | None = None) -> None:
        """Show other columns, from the first on."""
        self.columns = tuple(columns)
        self.frozen = self.frozen if stored is None else stored
        self._offset = 0
        self.width = -1

    def measure(self, index: int) -> int:
        """Return the cells of the longest text in a column."""
        name = self.columns[index].id
        if name not in self._measured:
            self._measured[name] = self._longest(name) if self._longest is not None else 0
        return self._measured[name]

    def measure_again(self, longest: Callable[[str], int] | None = None) -> bool:
        """Measure again what was measured; return whether something became wider.

        `longest` measures only the rows that came or changed.
        """
        measure = longest or self._longest
        if measure is None:
            return False
        before = dict(self._measured)
        for name in before:
            self._measured[name] = max(before[name], measure(name))
        return self._measured != before

    def fit(self, width: int) -> None:
        """Place the columns in `width` cells."""
        self.width = width
        self.placed = place(self.columns, width, self.frozen, self._offset, self.measure)
        if self.has_more:
            self.placed = place(self.columns, width - MORE_ROOM, self.frozen, self._offset, self.measure)
        self.shown = frozenset(item.column for item in self.placed)

    @property
    def lack(self) -> int:
        """Return the cells that the sentences in sight lack to be shown complete."""
        sentences = [item for item in self.placed if self.columns[item.column].weight]
        return sum(max(self.measure(item.column) - item.width, 0) for item in sentences)

    @property
    def has_more(self) -> bool:
        """Whether there are columns further right than those in sight."""
        return bool(self.placed) and self.placed[-1].column < len(self.columns) - 1

    def move(self, step: int, width: int) -> bool:
        """Go `step` columns to the right (negative: to the left); return whether that changed anything."""
        limit = last_offset(self.columns, width, self.frozen, self.measure)
        return self._go(min(max(self._offset + step, 0), limit))

    def bring(self, column: str, width: int) -> None:
        """Move sideways until the column with this id is in sight."""
        index = next((at for at, item in enumerate(self.columns) if item.id == column), -1)
        self._go(offset_showing(self.columns, width, self.frozen, self._offset, index, self.measure))

    def _go(self, offset: int) -> bool:
        if offset == self._offset:
            return False
        self._offset = offset
        self.width = -1
        return True

    def at(self, x: int) -> Column | None:
        """Return the column at a cell of the line, None between two."""
        for item in self.placed:
            if item.x <= x < item.x + item.width:
                return self.columns[item.column]
        return None
