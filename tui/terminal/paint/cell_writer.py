"""From the cells that the terminal shows to the cells that are wanted, in as few bytes as the terminal allows.

Only cells that look different are written. Between them the cursor goes the shortest way, a pen changes by what
differs, the blank end of a line is erased, and long runs of one character are repeated where the terminal can.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui.terminal.paint.cells import UNKNOWN, Cells
from tui.terminal.paint.pens import Pens

GAP = 4
"""Unchanged cells between two changed ones that are written again: a move costs as much."""
ERASE = 5
"""Blank cells at the end of a line from which erasing is shorter than writing."""
_RUN = re.compile(r"(.)\1{6,}")
_SPACES = re.compile(r" {13,}")


class Abilities(NamedTuple):
    """What the terminal can, beyond moving the cursor and setting colours."""

    colour_erase: bool = True
    """Erased cells take the background of the pen."""
    erase_cells: bool = True
    """ECH, `ESC[nX`."""
    repeat: bool = False
    """REP, `ESC[nb`."""


class CellWriter:
    """Writes changes of one frame after another; each frame ends with the default pen."""

    def __init__(self, pens: Pens, abilities: Abilities) -> None:
        self.pens = pens
        self.abilities = abilities
        self._out: list[str] = []
        self._pen = 0
        self._x: int | None = None
        self._y: int | None = None
        self._left: tuple[int, int] | None = None
        self._shown: Cells | None = None
        """The cells of the last frame: only rows that were touched since then can differ from them."""

    def update(self, shown: Cells, wanted: Cells, cursor: tuple[int, int] | None = None) -> str:
        """Return what makes the terminal show `wanted`, and take note of it in `shown`; both have the same size.

        `cursor` is where the cursor is left, for input methods; None when it does not matter.
        """
        self._out = []
        place = (self._x, self._y)
        self._pen, self._x, self._y = 0, None, None
        if shown.height and shown.text[0][:1] == [UNKNOWN]:
            self._clear(shown, wanted)
            self._shown = None
        for y in sorted(wanted.touched) if shown is self._shown else range(wanted.height):
            if shown.text[y] != wanted.text[y] or shown.pen[y] != wanted.pen[y]:
                self._row(y, shown, wanted)
                shown.text[y], shown.pen[y] = wanted.text[y][:], wanted.pen[y][:]
        wanted.touched.clear()
        self._shown = shown
        self._take(0)
        if cursor is not None and (self._out or cursor != self._left):
            self._move(*cursor)
        if self._out:
            self._left = cursor
        else:
            self._x, self._y = place
        return "".join(self._out)

    def forget(self) -> None:
        """Take note that another program had the terminal: the cursor may be anywhere."""
        self._x = self._y = self._left = None

    @property
    def place(self) -> tuple[int, int] | None:
        """Return column and row of the cursor after the last frame, None when terminals may differ on it."""
        return None if self._x is None or self._y is None else (self._x, self._y)

    def _clear(self, shown: Cells, wanted: Cells) -> None:
        looks: Counter[int] = Counter()
        for row in wanted.pen:
            looks.update(row)
        look = self.pens.blank[looks.most_common(1)[0][0]] if looks else 0
        if not self._erasable(look):
            look = 0
        self._out += [self.pens.change(self._pen, look) or "\x1b[m", "\x1b[2J"]
        self._pen = look
        shown.fill(" ", look)

    def _erasable(self, look: int) -> bool:
        pens = self.pens
        return pens.plain_background(look) and (self.abilities.colour_erase or not pens.pens[look].background)

    def _row(self, y: int, shown: Cells, wanted: Cells) -> None:
        old, text, pen, blank = shown.text[y], wanted.text[y], wanted.pen[y], self.pens.blank
        changed = [
            x
            for x, (a, b, p, q) in enumerate(zip(old, text, shown.pen[y], pen, strict=True))
            if a != b or (p != q and (b != " " or blank[p] != blank[q]))
        ]
        if not changed:
            return
        width, look = len(text), blank[pen[-1]]
        tail = width
        if text[-1] == " " and self._erasable(look):
            while tail and text[tail - 1] == " " and blank[pen[tail - 1]] == look:
                tail -= 1
        erased = [x for x in changed if x >= tail]
        if len(erased) < ERASE or width - erased[0] < ERASE:
            tail = width
        for first, last in _runs([x for x in changed if x < tail], old, text, pen):
            self._move(first, y)
            self._cells(text, pen, first, last)
        if tail < width:
            self._move(erased[0], y)
            self._take(look)
            self._out.append("\x1b[K")

    def _cells(self, text: Sequence[str], pen: Sequence[int], x: int, last: int) -> None:
        """Write the cells `x` to `last` of the row in which the cursor is."""
        blank = self.pens.blank
        while x < last:
            if not text[x]:
                x += 1
                continue
            if self._x != x:
                self._move(x, self._y or 0)
            if text[x] != " " or blank[pen[x]] != blank[self._pen]:
                self._take(pen[x])
            start, look, now = x, blank[self._pen], self._pen
            while x < last and (pen[x] == now or (text[x] == " " and blank[pen[x]] == look)):
                if len(text[x]) != 1 or (x + 1 < len(text) and not text[x + 1]):
                    break
                x += 1
            if x > start:
                self._write("".join(text[start:x]))
                self._x = x if x < len(text) else None
            elif x < last:  # a wide character or one of several code points: terminals differ on where it ends
                self._out.append(text[x])
                self._x = None
                x += 1

    def _write(self, text: str) -> None:
        if self.abilities.repeat:
            text = _RUN.sub(lambda run: f"{run[1]}\x1b[{len(run[0]) - 1}b", text)
        elif self.abilities.erase_cells and self._erasable(self.pens.blank[self._pen]):
            text = _SPACES.sub(lambda run: f"\x1b[{len(run[0])}X\x1b[{len(run[0])}C", text)
        self._out.append(text)

    def _take(self, pen: int) -> None:
        if pen != self._pen:
            self._out.append(self.pens.change(self._pen, pen))
            self._pen = pen

    def _move(self, x: int, y: int) -> None:
        before_x, before_y, self._x, self._y = self._x, self._y, x, y
        far = "\x1b[H" if x == y == 0 else f"\x1b[{y + 1}H" if x == 0 else f"\x1b[{y + 1};{x + 1}H"
        if before_x is None or before_y is None or y < before_y:
            self._out.append(far)
            return
        down, right = y - before_y, x - before_x
        near = "" if not down else f"\x1b[{down if down > 1 else ''}B"
        if right > 0:
            near += f"\x1b[{right if right > 1 else ''}C"
        elif right:
            near += "\r" if x == 0 else "\b" * -right if right > -5 else f"\x1b[{-right}D"
        self._out.append(min(far, near, key=len))


def _runs(
    changed: Sequence[int], old: Sequence[str], text: Sequence[str], pen: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield first and one past the last cell of what is to be written, short gaps and halves of wide cells included."""
    width, last_end, start = len(text), -1, -1
    for x in changed:
        first, end = x, x + 1
        while first and (not text[first] or not old[first]):
            first -= 1
        while end < width and (not text[end] or not old[end]):
            end += 1
        if start >= 0 and (first <= last_end or (first - last_end <= GAP and _cheap(text, pen, last_end, first))):
            last_end = max(last_end, end)
            continue
        if start >= 0:
            yield start, last_end
        start, last_end = first, end
    if start >= 0:
        yield start, last_end


def _cheap(text: Sequence[str], pen: Sequence[int], start: int, end: int) -> bool:
    """Whether the gap can be written without a pen of its own or a character of many bytes."""
    sides = (pen[start - 1], pen[end])
    return all(pen[x] in sides and text[x].isascii() for x in range(start, end))
