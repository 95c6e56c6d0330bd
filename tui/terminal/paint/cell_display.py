"""Painting of the console: the frame is owned as cells, and what is sent is the difference to the terminal's.

Private Textual API (8.2.8): `App._display` with the compositor's updates, `App._end_batch`, `App._sync_available`,
the driver's `_writer_thread`, and `App.on_event`. Textual repaints regions and queues thirty writes, of which none is
ever dropped.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from textual import constants, events
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import ScreenStackError
from textual.strip import Strip

from tui.terminal import output
from tui.terminal.detect import CONSOLE_TERMS
from tui.terminal.link_meter import SAMPLE, LinkMeter
from tui.terminal.own_keys import QuickBindings
from tui.terminal.paint.ack_gate import QUERY, AckGate
from tui.terminal.paint.cell_writer import CellWriter
from tui.terminal.paint.cells import Cells
from tui.terminal.paint.pace import Pace
from tui.terminal.paint.pens import Pens
from tui.terminal.toolkit import is_field

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.geometry import Size
    from textual.message import Message
    from textual.screen import Screen

SYNC = 600
"""Bytes from which a frame is sent as one synchronised update: a short one is drawn in one go anyway."""
TICK_PAINTED = 0.02 + 2 / constants.MAX_FPS
"""Seconds after a tick in which what is painted is the tick's work."""
SWITCH = 0.0005
"""Seconds after which a thread that computes lets another one run. Keys are read and frames written by threads of their
own: with Python's 5 ms a frame waits that long behind what the event loop does next."""
INPUT = (events.Key, events.Paste, events.MouseDown, events.MouseScrollDown, events.MouseScrollUp, events.Resize)
KEYS = (events.Key, events.MouseDown)


class FrameSender:
    """The wanted cells, the terminal's cells, and when the difference is sent."""

    def __init__(self, app: CellDisplay, driver: Driver, always_slow: bool) -> None:
        self._app = app
        self._driver = driver
        self.always_slow = always_slow
        console = os.environ.get("TERM", "") in CONSOLE_TERMS
        self.pens = Pens(app.console._color_system or ColorSystem.TRUECOLOR, console=console)
        self.writer = CellWriter(self.pens, output.abilities(os.environ))
        self.gate = AckGate(LinkMeter())
        self.pace = Pace(time.monotonic())
        self.wanted = self.shown = Cells(0, 0)
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = False
        self._first = True
        sys.setswitchinterval(min(SWITCH, sys.getswitchinterval()))

        self._write = driver.write
        self._short_way = output.ShortWay(driver)

        def write(data: str) -> None:
            self.gate.sent(len(data))
            self._write(data)
            if "\x1b[?1049h" in data:  # back from another program: nothing of the console is on the screen
                self.forget()

        driver.write = write  # type: ignore[method-assign]
        process = driver.process_message

        def process_message(message: Message) -> None:
            if isinstance(message, KEYS):
                app.key_arrived()
            process(message)

        driver.process_message = process_message  # type: ignore[method-assign]
        loop = asyncio.get_running_loop()

        def send_message(message: Message) -> None:
            """Give the app a message, without the task and the future that Textual makes for each."""
            loop.call_soon_threadsafe(app.post_message, message)

        driver.send_message = send_message  # type: ignore[method-assign]

    @property
    def slow(self) -> bool:
        """Whether the link is slow, as measured or by the setting."""
        return self.always_slow or self.gate.meter.slow

    def take(self, update: LayoutUpdate | ChopsUpdate) -> None:
        """Put what the compositor rendered into the wanted cells."""
        if isinstance(update, LayoutUpdate):
            self._take_all(update)
        else:
            chops: Sequence[Mapping[int, Strip | None]] = update.chops
            for y, left, right in update.spans:
                for end, (x, strip) in zip(update.chop_ends[y], chops[y].items(), strict=False):
                    first, last = max(x, left), min(end, right)
                    if strip is not None and first < last:
                        part = strip if first == x and last == end else strip.crop(first - x, last - x)
                        self.wanted.put(y, first, part, self.pens)
        self._waiting = True
        self.pace.painted(time.monotonic())

    def _take_all(self, update: LayoutUpdate) -> None:
        size = update.region.size
        if (self.wanted.width, self.wanted.height) != size:
            self.wanted, self.shown = Cells(*size, " "), Cells(*size)
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            strips: Iterable[Strip | None] = line
            for strip in strips:
                if strip is None:  # no widget covers it: a layout that is not complete, and another frame follows
                    break
                self.wanted.put(y, x, strip, self.pens)
                x += strip.cell_length

    def offer(self) -> None:
        """Send the difference, or see to it that it is sent when it may."""
        self._stop_timer()
        if not self._waiting or not self._app.is_running or self._app._closed:
            return
        now = time.monotonic()
        wait = output.wait(self._driver) or (output.POLL if self._app._batch_count else 0.0)
        wait = wait or self.gate.wait(now) or self.pace.wait(now, self.slow)
        if wait <= 0:
            self._send(now)
        else:
            self._timer = asyncio.get_running_loop().call_later(min(wait, 1.0), self.offer)

    def _send(self, now: float) -> None:
        self._waiting = False
        matters = self._app.cursor_is_shown or is_field(self._app.focused)
        cursor = self._app.screen.outer_size.clamp_offset(self._app.cursor_position) if matters else None
        before = self.writer.place
        frame = self.writer.update(self.shown, self.wanted, cursor)
        if not frame:
            return
        if self._app._sync_available and len(frame) > SYNC:
            frame = f"{SYNC_START}{frame}{SYNC_END}"
        asks, pieces = self.gate.asks(now), []
        if asks and (self._first or len(frame) >= SAMPLE):
            pieces.append(QUERY)
            self.gate.asked(now, before)
            if self._first:
                probe = output.ASCII_PROBE if self._app.ascii_only else output.REPEAT_PROBE
                pieces += [probe, QUERY]
                self.gate.sent(len(probe))
                self.gate.asked(now, probe=True)
        pieces.append(frame)
        size = len(frame) if frame.isascii() else len(frame.encode("utf-8", "replace"))
        self.gate.sent(size, now)
        if asks:
            pieces.append(QUERY)
            self.gate.asked(now, self.writer.place)
        self._first = False
        self.pace.sent(size, now, self.slow)
        rest, cut = self._short_way.write("".join(pieces))
        if rest:
            self._write(rest)
            self._driver.flush()
        if cut:
            self.forget()

    def answered(self, event: events.CursorPosition) -> None:
        """Take the terminal's answer that it has shown what was before a query."""
        query = self.gate.answered(event.time, (event.x, event.y))
        if query is not None and query.probe and event.x == output.REPEATED:
            self.writer.abilities = self.writer.abilities._replace(repeat=True)
        self.offer()

    def resized(self, size: Size) -> None:
        """Paint everything when it is laid out in the new size: a terminal moves and cuts its lines."""
        if (self.wanted.width, self.wanted.height) != size:
            self.wanted = Cells(0, 0)
        self.forget()

    def forget(self) -> None:
        """Paint everything with the next frame: nothing is known of what the terminal shows."""
        self.shown = Cells(self.wanted.width, self.wanted.height)
        self.writer.forget()
        self.gate.forget()
        self._waiting = bool(self.wanted.height)
        self._app.call_later(self.offer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class CellDisplay(QuickBindings):
    """An app that sends changed cells, no faster than the terminal shows them."""

    cursor_is_shown = False
    """The terminal's cursor is followed by a screen reader: it must be where it is read, after each frame."""
    ascii_only = False
    """Nothing but ASCII is drawn."""
    always_slow = False
    """Treat the link as slow whatever is measured."""
    _sender: FrameSender | None = None
    _link = (False, "")

    def link_changed(self, slow: bool, text: str) -> None:
        """Take note of what is known of the link now."""

    def key_arrived(self) -> None:
        """Take note that a key was read, before the app gets it; called on the thread that reads the terminal."""

    def in_field(self) -> bool:
        """Return whether what has the keyboard takes letters as text; called on the thread that reads the terminal."""
        with suppress(ScreenStackError):
            focused = self.screen.focused
            return focused is not None and focused.check_consume_key("b", "b")
        return False

    def before_frame(self) -> None:
        """Do what must be done before each frame; called for frames of any driver."""

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        self.before_frame()
        driver = self._driver
        ours = isinstance(renderable, LayoutUpdate | ChopsUpdate) and driver is not None
        if not ours or self.is_headless or self._batch_count or not self.is_running or self._closed:
            super()._display(screen, renderable)
            return
        assert driver is not None
        if self._sender is None:
            self._sender = FrameSender(self, driver, self.always_slow)
        try:
            self._sender.take(renderable)
            self._sender.offer()
        except Exception as error:
            self._handle_exception(error)
        finally:
            self.post_display_hook()

    def _end_batch(self) -> None:
        """Wake the screen in front when a batch ends: Textual wakes the app alone, and the change is not painted."""
        super()._end_batch()
        if not self._batch_count:
            with suppress(ScreenStackError):  # none is in front at the start and at the end
                self.screen.check_idle()

    def action_repaint(self) -> None:
        """Paint everything again: a message of the kernel or of another program is on the screen."""
        if self._sender is not None:
            self._sender.forget()

    def ages_only(self) -> None:
        """Take note that what the next paint brings is ages alone; a slow link sends no frame for them."""
        if self._sender is not None:
            self._sender.pace.ages(time.monotonic() + TICK_PAINTED)

    def values_changed(self) -> None:
        """Take note that more than ages changed."""
        if self._sender is not None:
            self._sender.pace.changed()

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """Take the terminal's answer to a query."""
        if self._sender is not None:
            self._sender.answered(event)
            meter = self._sender.gate.meter
            link = (self._sender.slow, meter.text)
            if link != self._link:
                self._link = link
                self.link_changed(*link)

    async def on_event(self, event: events.Event) -> None:
        """Take note of keys, then handle the event as usual."""
        if self._sender is not None and isinstance(event, INPUT):
            self._sender.pace.key(time.monotonic())
            if isinstance(event, events.Resize):
                self._sender.resized(event.size)
        await super().on_event(event)
