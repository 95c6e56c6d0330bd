"""How the header and a row of a table become segments; plain functions over placed columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.widgets.lines import Span, pad
from tui.widgets.roles import RolePainter
from tui.widgets.table_layout import Column, Placed

MORE = "►"
"""Stands at the end of the header when there are columns further right."""
MARK = "■"
"""Stands behind the sign of a marked row: a mark is seen without colours, and the sign's own word stays."""


class Painted(NamedTuple):
    """What was painted of a row: what is equal to it need not be painted again."""

    key: str
    cells: tuple[Span, ...]
    state: tuple[str, ...]


def row_strip(
    painter: RolePainter,
    columns: Sequence[Column],
    placed: Sequence[Placed],
    cells: Sequence[Span],
    state: Sequence[str],
    width: int,
) -> Strip:
    """Return a row; `state` names the component classes that lie over it (cursor, marked, ...)."""
    base = painter.base
    over = Style.null()
    for name in state:
        over += painter.component(name)
    line = base + over
    segments: list[Segment] = []
    x = 0
    for number, one in enumerate(placed):
        if one.x > x:
            sign = MARK if number == 1 and "marked" in state else ""
            segments.append(Segment(sign.ljust(one.x - x), line))
        cell = cells[one.column] if one.column < len(cells) else Span("")
        text = pad(cell.text, one.width, right=columns[one.column].align == "right")
        segments.append(Segment(text, base + painter.role(cell.role) + over))
        x = one.x + one.width
    return Strip(segments, x).adjust_cell_length(width, line).simplify()


def header_strip(
    painter: RolePainter, columns: Sequence[Column], placed: Sequence[Placed], sort: tuple[str, bool], width: int
) -> Strip:
    """Return the header; the sorted column carries an arrow."""
    plain = painter.base + painter.component("header")
    strong = painter.base + painter.component("sorted")
    segments: list[Segment] = []
    x = 0
    for one in placed:
        column = columns[one.column]
        gap, title, style = " " * (one.x - x), column.title, plain
        if column.id == sort[0] and title:
            arrow, style = "↓" if sort[1] else "↑", strong
            if column.align == "right" and len(title) >= one.width and gap:
                gap = gap[:-1] + arrow  # a short title stays complete: its arrow is in the gap before it
            else:
                title = arrow + title if column.align == "right" else title[: max(one.width - 1, 0)] + arrow
        segments.append(Segment(gap, style if gap.strip() else plain))
        segments.append(Segment(pad(title, one.width, right=column.align == "right"), style))
        x = one.x + one.width
    strip = Strip(segments, x).adjust_cell_length(width, plain)
    if has_more(columns, placed) and width > 2:
        strip = Strip([*strip.crop(0, width - 1), Segment(MORE, strong)], width)
    return strip


def has_more(columns: Sequence[Column], placed: Sequence[Placed]) -> bool:
    """Whether there are columns further right than those that are seen."""
    return bool(placed) and placed[-1].column < len(columns) - 1
