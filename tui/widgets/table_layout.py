"""Where each column of a table stands: fixed and weighted widths, the first columns held, the others moved sideways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

GAP = 1
"""Cells between two columns."""


class Column(NamedTuple):
    """One column. Its width is fixed for a view; `weight` shares what is left of the line."""

    id: str
    title: str
    width: int
    align: Literal["left", "right"] = "left"
    weight: int = 0
    help: str = ""


class Placed(NamedTuple):
    """A column on the screen: its index, first cell and width."""

    column: int
    x: int
    width: int


def place(columns: Sequence[Column], width: int, held: int = 0, offset: int = 0) -> tuple[Placed, ...]:
    """Return the columns that are seen in `width` cells.

    The first `held` always stand; of the others the first `offset` are passed over. A weighted column that does not
    fit whole is cut when at least half of it shows; others are left off, since half a number is a wrong number. What
    is left of the width goes to the weighted ones.
    """
    order = [*range(min(held, len(columns))), *range(min(held + offset, len(columns)), len(columns))]
    chosen: list[tuple[int, int]] = []
    x = 0
    for index in order:
        want = columns[index].width
        room = width - x
        if want > room:
            if room >= max(want // 2, 3) and index >= held and columns[index].weight:
                chosen.append((index, room))
                x = width
            elif not chosen and room > 0:
                chosen.append((index, room))
            break
        chosen.append((index, want))
        x += want + GAP
    spare = width - sum(size for _, size in chosen) - GAP * max(len(chosen) - 1, 0)
    total = sum(columns[index].weight for index, _ in chosen)
    placed: list[Placed] = []
    x = 0
    for index, size in chosen:
        weight = columns[index].weight
        if spare > 0 and weight and total:
            share = spare * weight // total
            spare, total = spare - share, total - weight
            size += share
        placed.append(Placed(index, x, size))
        x += size + GAP
    return tuple(placed)


def last_offset(columns: Sequence[Column], width: int, held: int) -> int:
    """Return the smallest offset at which the last column is whole, so that moving right ends there."""
    for offset in range(max(len(columns) - held, 1)):
        placed = place(columns, width, held, offset)
        last = placed[-1] if placed else None
        if last and last.column == len(columns) - 1 and last.width >= columns[-1].width:
            return offset
    return max(len(columns) - held - 1, 0)


def offset_showing(columns: Sequence[Column], width: int, held: int, offset: int, index: int) -> int:
    """Return the offset nearest to `offset` at which column `index` is seen whole."""
    if index < held or not 0 <= index < len(columns):
        return offset
    if index < held + offset:
        return index - held
    for candidate in range(offset, index - held + 1):
        if any(
            one.column == index and one.width >= columns[index].width for one in place(columns, width, held, candidate)
        ):
            return candidate
    return index - held
