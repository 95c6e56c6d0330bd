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
"""Is at the end of the header when there are columns further right."""
MARK = "■"
"""Follows the sign of a marked row: a mark is seen without colours, and the sign's own word stays."""


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
    state: tuple[str, ...],
    width: int,
) -> Strip:
    """Return a row; `state` names the component classes that lie over it (cursor, marked, ...)."""
    line = painter.style("", state)
    texts: list[str] = []
    segments: list[Segment] = []
    style, x = line, 0

    def add(text: str, wanted: Style) -> None:
        nonlocal style
        if wanted is not style and wanted != style:
            if texts:
                segments.append(Segment("".join(texts), style))
                texts.clear()
            style = wanted
        texts.append(text)

    for number, item in enumerate(placed):
        if item.x > x:
            add((MARK if number == 1 and "marked" in state else "").ljust(item.x - x), line)
        cell = cells[item.column] if item.column < len(cells) else Span("")
        add(pad(cell.text, item.width, right=columns[item.column].align == "right"), painter.style(cell.role, state))
        x = item.x + item.width
    if x < width:
        add(" " * (width - x), line)
    segments.append(Segment("".join(texts), style))
    strip = Strip(segments, max(x, width))
    return strip if x <= width else strip.adjust_cell_length(width, line)


def header_strip(
    painter: RolePainter, columns: Sequence[Column], placed: Sequence[Placed], sort: tuple[str, bool], width: int
) -> Strip:
    """Return the header; the sorted column carries an arrow."""
    plain = painter.base + painter.component("header")
    strong = painter.base + painter.component("sorted")
    segments: list[Segment] = []
    x, arrow = 0, ""
    for item in placed:
        column = columns[item.column]
        segments += _gap(item.x - x, arrow, plain, strong)
        title, style, arrow = column.title, plain, ""
        if column.id == sort[0] and title:
            arrow, style = "↓" if sort[1] else "↑", strong
            right = column.align == "right"
            if item.x + item.width >= width or not title.strip():  # no gap behind the last column
                title, arrow = (title.strip() + arrow)[-item.width :], ""
            elif not right and len(title) < item.width:
                title, arrow = title + arrow, ""
        segments.append(Segment(pad(title, item.width, right=column.align == "right"), style))
        x = item.x + item.width
    if arrow:
        segments += _gap(1, arrow, plain, strong)
        x += 1
    strip = Strip(segments, x).adjust_cell_length(width, plain)
    if has_more(columns, placed) and width > 2:
        strip = Strip([*strip.crop(0, width - 1), Segment(MORE, strong)], width)
    return strip


def _gap(size: int, arrow: str, plain: Style, strong: Style) -> list[Segment]:
    """Return what is between two titles: an arrow that the title before it has no room for, and spaces."""
    spaces = Segment(" " * (size - len(arrow)), plain)
    return [Segment(arrow, strong), spaces] if arrow else [spaces]


def has_more(columns: Sequence[Column], placed: Sequence[Placed]) -> bool:
    """Whether there are columns further right than those that are seen."""
    return bool(placed) and placed[-1].column < len(columns) - 1
