"""A screen as cells: the text and the pen of each, as wanted or as the terminal shows it.

The second cell of a wide character is `""`; a cell may have several code points (a letter and its accents).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from rich.cells import split_graphemes
from rich.segment import Segment

from tui.terminal.paint.pens import Pens

UNKNOWN = "\0"
"""The text of a cell of which nothing is known; it is equal to no cell that is wanted."""


class Cells:
    """`height` rows of `width` cells; `text[y][x]` and `pen[y][x]`."""

    def __init__(self, width: int, height: int, fill: str = UNKNOWN, pen: int = 0) -> None:
        self.width, self.height = width, height
        self.text: list[list[str]] = []
        self.pen: list[list[int]] = []
        self.touched: set[int] = set()
        """Rows in which something was put since the writer looked last."""
        self.fill(fill, pen)

    def fill(self, text: str, pen: int) -> None:
        """Make all cells alike."""
        self.text = [[text] * self.width for _ in range(self.height)]
        self.pen = [[pen] * self.width for _ in range(self.height)]
        self.touched = set(range(self.height))

    def put(self, y: int, x: int, segments: Iterable[Segment], pens: Pens) -> None:
        """Put segments on row `y` from column `x` on; what is beyond the edge is dropped."""
        if not 0 <= y < self.height:
            return
        self.touched.add(y)
        text: list[str] = []
        pen: list[int] = []
        for part, style, _ in segments:
            cells: Sequence[str] = part if part.isascii() else cells_of(part)
            text.extend(cells)
            pen += [pens.of(style)] * len(cells)
        row, last = self.text[y], min(x + len(text), self.width)
        if x < self.width and row[x] == "" and x:
            row[x - 1] = " "  # the left half of a wide character whose right half is overwritten
        if last < self.width and row[last] == "":
            row[last] = " "
        row[x:last] = text[: last - x]
        self.pen[y][x:last] = pen[: last - x]
        if last == self.width and last > x and len(text) > last - x and text[last - x] == "":
            row[last - 1] = " "


@lru_cache(4096)
def cells_of(text: str) -> tuple[str, ...]:
    """Return the cells of a text, as wide as Textual takes it to be."""
    spans, width = split_graphemes(text)
    if width == len(text) == len(spans):
        return tuple(text)
    out: list[str] = []
    for start, end, size in spans:
        if size:
            out += [text[start:end], *[""] * (size - 1)]
        elif out:
            at = len(out) - 1
            while at and not out[at]:
                at -= 1
            out[at] += text[start:end]
    return tuple(out)
