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
    """Return the header; the sorted column carries an arrow, which moves no title."""
    plain = painter.base + painter.component("header")
    strong = painter.base + painter.component("sorted")
    text, more = "", has_more(columns, placed) and width > 2
    for item in placed:
        column = columns[item.column]
        text = text.ljust(item.x) + pad(column.title, item.width, right=column.align == "right")
    text = text[:width].ljust(width)
    if more:
        text = text[:-1] + MORE
    low = high = 0
    for item in placed:
        column = columns[item.column]
        if column.id == sort[0] and column.title:
            at = _arrow_place(text, item, column.align == "right")
            text = f"{text[:at]}{'↓' if sort[1] else '↑'}{text[at + 1 :]}"
            low, high = min(item.x, at), min(max(item.x + item.width, at + 1), width - 1)
    last = strong if more or high == width - 1 else plain
    parts = ((text[:low], plain), (text[low:high], strong), (text[high:-1], plain), (text[-1:], last))
    return Strip([Segment(part, style) for part, style in parts if part], width)


def _arrow_place(text: str, item: Placed, right: bool) -> int:
    """Return the cell of the arrow: behind a title, before one at the right, where the next title is not beside it."""
    title = text[item.x : item.x + item.width]
    start = item.x + len(title) - len(title.lstrip())
    before, after = start - 1, item.x + len(title.rstrip())
    padded = f"{text} "

    def free(cells: tuple[int, ...]) -> bool:
        return cells[0] >= 0 and cells[0] < len(text) and all(padded[cell] == " " for cell in cells if cell >= 0)

    sides = [(before, before - 1), (after, after + 1)]
    for cells in sides if right else sides[::-1]:
        if free(cells):
            return cells[0]
    return next((cell for cell in (after, before) if free((cell,))), item.x + item.width - 1)


def has_more(columns: Sequence[Column], placed: Sequence[Placed]) -> bool:
    """Whether there are columns further right than those that are seen."""
    return bool(placed) and placed[-1].column < len(columns) - 1
