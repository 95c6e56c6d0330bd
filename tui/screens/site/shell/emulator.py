"""The emulated terminal: pyte's screen with what programs of today want of one (a second screen, history, modes).

Everything is bounded: cells by the size of the view, lines of the history, saved cursors. Nothing of it reaches the
real terminal but cells, which the view paints.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any
from unicodedata import combining

from pyte import modes as mo
from pyte.screens import Char, Cursor, Screen
from wcwidth import wcwidth

from edgewright.core.text import cells
from tui.screens.site.shell.parser import Parser

HISTORY = 2000
"""Lines above the screen."""
MOST_SAVED = 16
"""Cursors that a host may save."""
MOST_MARKS = 8
"""Accents on one letter."""
MOST_ANSWERS = 64
"""Answers that wait; a host that asks faster gets none."""
MOST_COLUMNS, MOST_ROWS = 500, 200
SUPPORTED = frozenset({1, 5, 6, 7, 25, 47, 1047, 1048, 1049, 2004})
"""Private modes that are followed; the mouse and others are not."""
BRACKETED, CURSOR_KEYS = 2004 << 5, 1 << 5
_ALTERNATE = frozenset({47, 1047, 1049})
_LINE_FEED = frozenset({4, 20})
Row = Any
"""Cells by column, as pyte has them."""


class Emulator(Screen):
    """One terminal. `feed` it; read `buffer`, `history`, `cursor`, `dirty`; `answers` are to be sent to the host."""

    def __init__(self, columns: int, rows: int) -> None:
        self.history: deque[Row] = deque(maxlen=HISTORY)
        self.scrolled = 0
        """Lines that went into the history so far."""
        self.answers: deque[str] = deque(maxlen=MOST_ANSWERS)
        self.bells = 0
        self.keypad = False
        self._main: tuple[Any, Cursor] | None = None
        self._last = " "
        self._cells: dict[tuple[Any, str], Char] = {}
        super().__init__(min(columns, MOST_COLUMNS), min(rows, MOST_ROWS))
        self._parser = Parser(self)

    def feed(self, data: bytes) -> None:
        """Work on output of the host."""
        self._parser.feed(data)

    @property
    def alternate(self) -> bool:
        """Whether a program has the second screen, which has no history."""
        return self._main is not None

    # What pyte has, bounded or faster -----------------------------------------------------------------------------

    def draw(self, data: str) -> None:
        """Write text at the cursor. Plain ASCII goes a short way: the output of most programs is nothing else."""
        self._last = data[-1]
        if not data.isascii() or mo.IRM in self.mode or self.charset or self.g0_charset is not _LATIN:
            data = data if data.isascii() else self._few_marks(data)
            if data:
                super().draw(data)
            return
        cells, cursor = self._cells, self.cursor
        if len(cells) > 20_000:
            cells.clear()
        at, count, columns = 0, len(data), self.columns
        while at < count:
            if cursor.x >= columns:
                if mo.DECAWM in self.mode:
                    self.carriage_return()
                    self.linefeed()
                else:
                    at, cursor.x = max(at, count - 1), columns - 1  # the last letter stays in the last column
            part = data[at : at + columns - cursor.x]
            line, attributes, x = self.buffer[cursor.y], cursor.attrs, cursor.x
            for letter in part:
                key = (attributes, letter)
                cell = cells.get(key)
                if cell is None:
                    cell = cells[key] = attributes._replace(data=letter)
                line[x] = cell
                x += 1
            cursor.x = x
            at += len(part)
            self.dirty.add(cursor.y)

    def _few_marks(self, data: str) -> str:
        """Return a text without more accents on one letter than a language has: each costs as much as all before it."""
        x, y = self.cursor.x, self.cursor.y
        before = self.buffer[y][x - 1] if x else self.buffer[max(y - 1, 0)][self.columns - 1]
        marks, letters = len(before.data) - 1, []
        for letter in data:
            marks = marks + 1 if combining(letter) else 0
            if marks <= MOST_MARKS:
                letters.append(letter)
        return "".join(letters)

    def alignment_display(self) -> None:
        """Do nothing: a screen full of E tests tubes, and three bytes would cost all cells each time."""

    def index(self) -> None:
        """Go down a line; at the bottom of the screen the top line goes into the history."""
        if self.margins is None and self.cursor.y == self.lines - 1:
            if self._main is None:
                self.history.append(self.buffer[0])
                self.scrolled += 1
            buffer = self.buffer
            for y in range(self.lines - 1):
                buffer[y] = buffer[y + 1]
            buffer.pop(self.lines - 1, None)
            self.dirty.update(range(self.lines))
            return
        super().index()

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Take another size; lines that no longer fit go into the history, empty ones below the cursor first."""
        lines, columns = min(lines or self.lines, MOST_ROWS), min(columns or self.columns, MOST_COLUMNS)
        while self.lines > lines and self.cursor.y < self.lines - 1:
            self.buffer.pop(self.lines - 1, None)
            self.lines -= 1
        if self.lines > lines and self._main is None:
            for y in range(self.lines - lines):
                self.history.append(self.buffer[y])
                self.scrolled += 1
        self.margins = None
        moved = max(self.lines - lines, 0)
        self.tabstops |= set(range(8, columns, 8))
        y = self.cursor.y
        super().resize(lines, columns)
        self.cursor.y = max(min(y - moved, self.lines - 1), 0)
        self.cursor.x = min(self.cursor.x, self.columns - 1)
        self.dirty.update(range(self.lines))

    def tab(self) -> None:
        """Go to the next tabulator stop, at most to the last column."""
        super().tab()
        self.cursor.x = min(self.cursor.x, self.columns - 1)

    def save_cursor(self) -> None:
        """Save the cursor: one, as terminals do; `MOST_SAVED` of pyte's stack."""
        super().save_cursor()
        del self.savepoints[:-MOST_SAVED]

    def erase_in_display(self, how: int = 0, *_: Any, **__: Any) -> None:
        """Erase a part of the screen, by 3 the history."""
        if how == 3:
            self.history.clear()
        elif how in (0, 1, 2):
            super().erase_in_display(how)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        """Erase a part of the line."""
        if how in (0, 1, 2):
            super().erase_in_line(how)

    def clear_tab_stop(self, how: int = 0) -> None:
        """Remove a tabulator stop, or all."""
        if how in (0, 3):
            super().clear_tab_stop(how)

    def insert_lines(self, count: int | None = None) -> None:
        """Insert lines."""
        super().insert_lines(min(count or 1, self.lines))

    def delete_lines(self, count: int | None = None) -> None:
        """Delete lines."""
        super().delete_lines(min(count or 1, self.lines))

    def cursor_to_line(self, line: int | None = None) -> None:
        """Go to a line."""
        if mo.DECOM in self.mode and self.margins is None:
            self.cursor.y = (line or 1) - 1
            self.ensure_vbounds()
            return
        super().cursor_to_line(line)

    def reset(self) -> None:
        """Begin again; the history stays."""
        self._main = None
        self.keypad = False
        super().reset()
        self.g0_charset = _LATIN
        self.savepoints = []

    def bell(self, *_: Any) -> None:
        """Count a bell: the console rings none for a host."""
        self.bells += 1

    def set_title(self, param: str) -> None:
        """Take no title from a host."""

    set_icon_name = set_title

    # What pyte has not --------------------------------------------------------------------------------------------

    def next_line(self) -> None:
        """Go to the begin of the next line."""
        self.carriage_return()
        self.linefeed()

    def keypad_on(self) -> None:
        """Note that the keypad sends sequences of its own."""
        self.keypad = True

    def keypad_off(self) -> None:
        """Note that it sends digits."""
        self.keypad = False

    def repeat(self, count: int | None = None) -> None:
        """Write the last letter again."""
        self.draw(self._last * min(count or 1, self.columns * self.lines))

    def tabs_forward(self, count: int | None = None) -> None:
        """Go to one of the next tabulator stops."""
        for _ in range(min(count or 1, self.columns)):
            self.tab()

    def tabs_back(self, count: int | None = None) -> None:
        """Go to one of the tabulator stops before."""
        for _ in range(min(count or 1, self.columns)):
            self.cursor.x = max((stop for stop in self.tabstops if stop < self.cursor.x), default=0)

    def scroll_up(self, count: int | None = None) -> None:
        """Move the lines between the margins up; the cursor stays."""
        self._scroll(count, self.index, bottom=True)

    def scroll_down(self, count: int | None = None) -> None:
        """Move them down."""
        self._scroll(count, self.reverse_index, bottom=False)

    def _scroll(self, count: int | None, step: Callable[[], None], bottom: bool) -> None:
        x, y = self.cursor.x, self.cursor.y
        top, last = self.margins or (0, self.lines - 1)
        self.cursor.y = last if bottom else top
        for _ in range(min(count or 1, self.lines)):
            step()
        self.cursor.x, self.cursor.y = x, y

    def modes(self, values: Sequence[int], on: bool) -> None:
        """Switch modes of ECMA-48: insert, new line."""
        known = [value for value in values if value in _LINE_FEED]
        if known:
            (self.set_mode if on else self.reset_mode)(*known)

    def private_modes(self, values: Sequence[int], on: bool) -> None:
        """Switch private modes."""
        for value in values:
            if value not in SUPPORTED:
                continue
            if value in _ALTERNATE:
                self._alternate(on, saves=value == 1049)
            elif value == 1048:
                (self.save_cursor if on else self.restore_cursor)()
            else:
                (self.set_mode if on else self.reset_mode)(value, private=True)

    def _alternate(self, on: bool, saves: bool) -> None:
        if on == self.alternate:
            return
        if on:
            self._main = (self.buffer, copy.copy(self.cursor))
            self.buffer = copy.copy(self.buffer)
            self.buffer.clear()
        else:
            assert self._main is not None
            self.buffer, cursor = self._main
            self._main = None
            if saves:
                self.cursor = cursor
            self.cursor.y = min(self.cursor.y, self.lines - 1)
            self.cursor.x = min(self.cursor.x, self.columns - 1)
        self.margins = None
        self.dirty.update(range(self.lines))

    def report(self, what: int) -> None:
        """Answer that the terminal is there (5), or where its cursor is (6)."""
        self.answer("\x1b[0n" if what == 5 else f"\x1b[{self.cursor.y + 1};{min(self.cursor.x, self.columns - 1) + 1}R")

    def answer(self, text: str) -> None:
        """Put an answer down for the host."""
        if len(self.answers) < MOST_ANSWERS:
            self.answers.append(text)


_LATIN = Screen(1, 1).g0_charset


def cell_text(row: Row, x: int) -> str:
    """Return what a cell shows, "" for the second half of a letter of two cells; half a letter is a space."""
    data: str = row[x].data
    if not data:
        return "" if x and wcwidth(row[x - 1].data[:1]) == 2 else " "
    if data.isascii():
        return data
    width = wcwidth(data[0])
    if width == 2 and not (x + 1 in row and not row[x + 1].data):
        return " "
    if width not in (1, 2):
        return " "
    return data if cells(data) == width else " " * width  # the toolkit thinks it has another width
