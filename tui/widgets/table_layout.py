"""Where each column of a table is: one rule for every table, without a widget.

The width of a line is given away in a fixed order, so that a wider screen never takes anything from a name:

1. the first columns (`frozen`), with names as wide as their longest text (up to `most`, and two thirds of the line);
2. the other columns in their order, each as wide as its longest text (up to `most`) or not at all: half a name or half
   a number is a wrong one. A sentence (`weight`) needs its `width` only, or half of it when it is the last in sight;
3. names that are longer than `most`, before the first `optional` column;
4. what is left goes to the sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len

GAP = 1
"""Cells between two columns."""

Measure = Callable[[int], int]
"""Gives the cells of the longest text in a column, by the column's place."""


class Column(NamedTuple):
    """One column. `width` is the least width; what makes it wider is `most` (names) or `weight` (sentences)."""

    id: str
    title: str
    width: int
    align: Literal["left", "right"] = "left"
    weight: int = 0
    """Share of what is left of the line; such a column may be cut."""
    most: int = 0
    """Cells up to which the column is as wide as its longest text; 0 for a fixed width."""
    optional: bool = False
    """Comes only when the names before it are complete."""
    help: str = ""


class Placed(NamedTuple):
    """A column on the screen: its index, first cell and width."""

    column: int
    x: int
    width: int


def longest_text(texts: Iterable[str]) -> int:
    """Return the cells of the longest of many texts (30,000 in a few milliseconds)."""
    every = list(texts)
    if not every:
        return 0
    return max(map(len if "".join(every).isascii() else cell_len, every))


def _unmeasured(index: int) -> int:
    return 0


def wanted(column: Column, longest: int) -> int:
    """Return the width that a column asks for when its longest text has `longest` cells."""
    return max(column.width, min(longest, column.most))


def place(
    columns: Sequence[Column], width: int, stored: int = 0, offset: int = 0, measure: Measure = _unmeasured
) -> tuple[Placed, ...]:
    """Return the columns that are seen in `width` cells; of those behind `stored` the first `offset` are passed over.

    `measure` is asked only for columns that there is room for. On a wider screen no name is narrower, and no column
    goes; only sentences may give way to a column that now fits.
    """
    sizes, room = _fixed_sizes(columns, width, min(stored, len(columns)), measure)
    names_grown, complete = False, not columns[stored + offset :]
    for index in range(min(stored + offset, len(columns)), len(columns)):
        column = columns[index]
        if column.optional and not names_grown:
            room = _grow_names(columns, sizes, room, measure)
            names_grown = True
        gap = GAP if sizes else 0
        want = wanted(column, measure(index)) if column.most else column.width
        if want + gap <= room:
            sizes[index] = want
            room -= want + gap
            complete = index == len(columns) - 1
            continue
        first = all(other < stored for other in sizes)
        least = max(want // 2, 3) if column.weight else 3 if first else want
        if least + gap <= room:
            sizes[index] = room - gap
            room = 0
        break
    if complete and not names_grown:
        room = _grow_names(columns, sizes, room, measure)
    _share(columns, sizes, room)
    placed: list[Placed] = []
    x = 0
    for index, size in sizes.items():
        placed.append(Placed(index, x, size))
        x += size + GAP
    return tuple(placed)


def _fixed_sizes(columns: Sequence[Column], width: int, stored: int, measure: Measure) -> tuple[dict[int, int], int]:
    """Return the widths of the columns that always stay, and the cells that they leave."""
    sizes: dict[int, int] = {}
    room = width
    for index in range(stored):
        gap = GAP if sizes else 0
        size = min(columns[index].width, room - gap)
        if size <= 0:
            return sizes, 0
        sizes[index] = size
        room -= size + gap
    for index in sizes:
        if columns[index].most:
            share = min(width * 2 // 3, wanted(columns[index], measure(index)))
            more = min(max(share - sizes[index], 0), room)
            sizes[index] += more
            room -= more
    return sizes, room


def _grow_names(columns: Sequence[Column], sizes: dict[int, int], room: int, measure: Measure) -> int:
    """Give names that are longer than `most` what they lack, in their order; return the cells that are left."""
    for index, size in sizes.items():
        if columns[index].most and room > 0:
            more = min(max(measure(index) - size, 0), room)
            sizes[index] += more
            room -= more
    return room


def _share(columns: Sequence[Column], sizes: dict[int, int], room: int) -> None:
    """Give what is left of the line to the sentences, by their weight."""
    total = sum(columns[index].weight for index in sizes)
    for index in sizes:
        weight = columns[index].weight
        if room > 0 and weight:
            share = room * weight // total
            room, total = room - share, total - weight
            sizes[index] += share


def last_offset(columns: Sequence[Column], width: int, stored: int, measure: Measure = _unmeasured) -> int:
    """Return the smallest offset at which the last column is complete, so that moving right ends there."""
    last = len(columns) - 1
    for offset in range(max(len(columns) - stored, 1)):
        if _complete(columns, place(columns, width, stored, offset, measure), last, measure):
            return offset
    return max(len(columns) - stored - 1, 0)


def offset_showing(
    columns: Sequence[Column], width: int, stored: int, offset: int, index: int, measure: Measure = _unmeasured
) -> int:
    """Return the offset nearest to `offset` at which column `index` is complete."""
    if index < stored or not 0 <= index < len(columns):
        return offset
    if index < stored + offset:
        return index - stored
    for candidate in range(offset, index - stored + 1):
        if _complete(columns, place(columns, width, stored, candidate, measure), index, measure):
            return candidate
    return index - stored


def _complete(columns: Sequence[Column], placed: Sequence[Placed], index: int, measure: Measure) -> bool:
    want = wanted(columns[index], measure(index)) if columns[index].most else columns[index].width
    return any(item.column == index and item.width >= want for item in placed)
