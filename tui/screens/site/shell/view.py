"""The widget that shows a host's terminal: cells of the emulation, lines of before, every key for the host."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any, ClassVar

from pyte import modes as mo
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.screens.site.shell.emulator import BRACKETED, CURSOR_KEYS, Emulator, Row, cell_text
from tui.screens.site.shell.keys import key_bytes, paste_bytes
from tui.terminal.own_keys import QuickBindings, bindings_of
from tui.verbs.bindings import move_bindings

SLICE = 1024
"""Bytes that are emulated before keys and others get their turn."""
WORK, REST = 0.008, 0.008
"""Seconds of emulation after which it rests so long: output without end takes half of a processor at most."""
FRAME = 0.04
"""Seconds between two frames."""
MOST_AHEAD = 4096
"""Bytes that are stored of what is typed before a shell is there."""
MOST_PASTE = 1_048_576
_HEX = re.compile("[0-9a-fA-F]{6}")
_NUMBERS = {"black": 0, "red": 1, "green": 2, "brown": 3, "yellow": 3, "blue": 4, "magenta": 5, "cyan": 6, "white": 7}


class TerminalView(Widget, can_focus=True):
    """Shows one terminal. Every key goes to `send`, but for that of the console; with `console_keys` none does."""

    BINDINGS: ClassVar[list[BindingType]] = move_bindings({"shell-console": "console"})
    DEFAULT_CSS = "TerminalView { width: 1fr; height: 1fr; }"
    ALLOW_SELECT = False

    class ConsoleKey(Message):
        """A key that is for the console: the escape key, or any key while the console has the keys."""

        def __init__(self, key: str, character: str | None) -> None:
            super().__init__()
            self.key, self.character = key, character

    class Resized(Message):
        """The view has another size."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.emulator = Emulator(80, 24)
        self.ahead = bytearray()
        """What was typed before there is a shell."""
        self.send: Callable[[bytes], None] = self._store
        self.console_keys = False
        """Whether keys are for the console now: its menu, scrolling, or no shell any more."""
        self.over = False
        """Whether there is no shell any more: keys go their usual way then."""
        self.dimmed = False
        self.back = 0
        """Lines that the view is scrolled back."""
        self.line: int | None = None
        """The line under the cursor while lines are chosen, counted from the begin of the shell."""
        self.mark: int | None = None
        self._styles: dict[Any, Style] = {}
        self._painting = False
        self._seen = 0
        self._worked = 0.0

    # Output -------------------------------------------------------------------------------------------------------

    async def show(self, data: bytes) -> None:
        """Emulate output in slices, so that keys are answered while a host writes without end."""
        for at in range(0, len(data), SLICE):
            began = time.perf_counter()
            self.take(data[at : at + SLICE])
            self._worked += time.perf_counter() - began
            if self._worked > WORK:
                self._worked = 0.0
                await asyncio.sleep(REST)
        self.paint_soon()

    def take(self, data: bytes) -> None:
        """Emulate output now."""
        emulator = self.emulator
        try:
            emulator.feed(data)
        except Exception:  # a defect of the emulation: what a host writes must not end the console
            emulator.reset()
        while emulator.answers:
            self.send(emulator.answers.popleft().encode())
        if self.back and emulator.scrolled != self._seen:
            self.back = min(self.back + emulator.scrolled - self._seen, len(emulator.history))
        self._seen = emulator.scrolled
        self.paint_soon()

    def paint_soon(self) -> None:
        """Paint what changed with the next frame."""
        if not self._painting and self.is_mounted:
            self._painting = True
            self.set_timer(FRAME, self._paint)

    def _paint(self) -> None:
        self._painting = False
        dirty, self.emulator.dirty = self.emulator.dirty, set()
        if self.back or len(dirty) * 2 > self.size.height:
            self.refresh()
        else:
            rows = {*dirty, *self._cursor_rows}
            self._cursor_rows = {self.emulator.cursor.y}
            rows |= self._cursor_rows
            self.refresh(*(Region(0, y, self.size.width, 1) for y in rows if y < self.size.height))

    _cursor_rows: set[int] = set()

    def all_again(self) -> None:
        """Paint everything."""
        self.refresh()

    def row_at(self, y: int) -> tuple[Row | None, int]:
        """Return the cells of a line of the view, and the number of the line from the begin of the shell."""
        emulator = self.emulator
        number = emulator.scrolled - self.back + y
        if y < self.back:
            place = len(emulator.history) - self.back + y
            return (emulator.history[place] if 0 <= place < len(emulator.history) else None), number
        y -= self.back
        return (emulator.buffer[y] if y < emulator.lines else None), number

    def render_line(self, y: int) -> Strip:
        """Paint a line."""
        row, number = self.row_at(y)
        width = self.size.width
        base = self.rich_style
        if row is None:
            return Strip.blank(width, base)
        emulator = self.emulator
        chosen = self._is_chosen(number)
        cursor = -1
        if not self.back and self.line is None and self.has_focus and y == emulator.cursor.y and not self.dimmed:
            cursor = min(emulator.cursor.x, emulator.columns - 1) if mo.DECTCEM in emulator.mode else -1
        segments: list[Segment] = []
        text: list[str] = []
        before: Any = None
        for x in range(min(width, emulator.columns)):
            cell = row[x]
            look = (cell[1:], x == cursor)
            if look != before:
                if text:
                    segments.append(Segment("".join(text), self._style(before, base, chosen)))
                text, before = [], look
            text.append(cell.data if cell.data.isascii() and cell.data else cell_text(row, x))
        if text:
            segments.append(Segment("".join(text), self._style(before, base, chosen)))
        return Strip(segments).adjust_cell_length(width, base)

    def _is_chosen(self, number: int) -> bool:
        if self.line is None:
            return False
        mark = self.line if self.mark is None else self.mark
        return min(mark, self.line) <= number <= max(mark, self.line)

    def _style(self, look: Any, base: Style, chosen: bool) -> Style:
        key = (look, base, chosen, self.dimmed)
        style = self._styles.get(key)
        if style is None:
            if len(self._styles) > 4096:
                self._styles.clear()
            (fg, bg, bold, italics, underscore, strike, reverse, _blink), cursor = look
            style = base + Style(
                color=None if self.dimmed else _colour(fg),
                bgcolor=None if self.dimmed else _colour(bg),
                bold=bold or None,
                italic=italics or None,
                underline=underscore or None,
                strike=strike or None,
                reverse=(bool(reverse) != bool(cursor)) != chosen or None,
                dim=self.dimmed or None,
            )
            self._styles[key] = style
        return style

    def notify_style_update(self) -> None:
        """Take the colours of the new theme."""
        self._styles.clear()
        super().notify_style_update()

    # Keys ---------------------------------------------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Take every key: neither the screen's nor the app's bindings see it, those with priority included."""
        return not self.over

    async def on_key(self, event: events.Key) -> None:
        """Send a key to the host, or give it to the console."""
        if self.over:
            return
        event.stop()
        event.prevent_default()
        if self.console_keys or bindings_of(self.app, self, event.key):
            self.post_message(self.ConsoleKey(event.key, event.character))
        elif event.key in ("shift+pageup", "shift+pagedown"):
            self.post_message(self.ConsoleKey(event.key, None))
        else:
            data = key_bytes(event.key, event.character, CURSOR_KEYS in self.emulator.mode)
            if data:
                self.send(data)
        if isinstance(self.app, QuickBindings):
            self.app.key_done(event)

    def _store(self, data: bytes) -> None:
        """Store what is typed while there is no shell yet: a command that lost its begin may be another one."""
        self.ahead += data[: MOST_AHEAD - len(self.ahead)]

    def send_to(self, send: Callable[[bytes], None]) -> None:
        """Send to a shell from now on, first what was typed before."""
        self.send = send
        if self.ahead:
            send(bytes(self.ahead))
            self.ahead.clear()

    def action_console(self) -> None:
        """Do nothing here: `on_key` works on every key; the binding is what a key map changes."""

    def on_paste(self, event: events.Paste) -> None:
        """Send what is pasted."""
        event.stop()
        event.prevent_default()
        if not self.console_keys and not self.over:
            self.send(paste_bytes(event.text[:MOST_PASTE], BRACKETED in self.emulator.mode))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll back."""
        event.stop()
        self.post_message(self.ConsoleKey("wheel-up", None))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll forward."""
        event.stop()
        self.post_message(self.ConsoleKey("wheel-down", None))

    def on_resize(self, event: events.Resize) -> None:
        """Give the emulation the size of the view."""
        if event.size.width and event.size.height:
            self.emulator.resize(event.size.height, event.size.width)
            self._seen = self.emulator.scrolled
            self.post_message(self.Resized())
            self.refresh()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.refresh()

    on_blur = on_focus

    # Lines of before ----------------------------------------------------------------------------------------------

    def first_line(self) -> int:
        """Return the number of the oldest line that is there."""
        return self.emulator.scrolled - len(self.emulator.history)

    def last_line(self) -> int:
        """Return the number of the last line of the screen."""
        return self.emulator.scrolled + self.emulator.lines - 1

    def move(self, line: int) -> None:
        """Go to a line while lines are chosen; the view scrolls to it."""
        self.line = max(self.first_line(), min(line, self.last_line()))
        top = self.emulator.scrolled - self.back
        if self.line < top:
            self.back = self.emulator.scrolled - self.line
        elif self.line >= top + self.emulator.lines:
            self.back = max(self.emulator.scrolled - (self.line - self.emulator.lines + 1), 0)
        self._seen = self.emulator.scrolled
        self.refresh()

    def live(self) -> None:
        """Show the end again."""
        self.back, self.line, self.mark = 0, None, None
        self.refresh()

    def text_of(self, first: int, last: int) -> str:
        """Return the text of lines without the spaces at their ends."""
        emulator = self.emulator
        lines: list[str] = []
        for number in range(max(first, self.first_line()), min(last, self.last_line()) + 1):
            place = number - emulator.scrolled
            row = emulator.buffer[place] if place >= 0 else emulator.history[len(emulator.history) + place]
            lines.append("".join(cell_text(row, x) for x in range(max(row, default=-1) + 1)).rstrip())
        return "\n".join(lines).rstrip("\n")

    def chosen_text(self) -> str:
        """Return the text of the lines that are chosen."""
        if self.line is None:
            return ""
        mark = self.line if self.mark is None else self.mark
        return self.text_of(min(mark, self.line), max(mark, self.line))


def _colour(name: str) -> Color | None:
    """Return a colour of pyte: a name, six hexadecimal digits, or None for the default and what is not a colour."""
    name = "brightmagenta" if name == "bfightmagenta" else name  # as pyte spells it
    bright = name.startswith("bright")
    number = _NUMBERS.get(name.removeprefix("bright"))
    if number is not None:
        return Color.from_ansi(number + (8 if bright else 0))
    if _HEX.fullmatch(name):
        return Color.from_rgb(int(name[:2], 16), int(name[2:4], 16), int(name[4:], 16))
    return None
