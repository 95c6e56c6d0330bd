"""Keys that arrive faster than screens open: each goes to the screen that the keys before it opened.

A fast hand, a pasted line, a slow link or a busy multiplexer delivers several keys in one read. Textual sends each of
them to the widget that has the keyboard at that moment, even while the screen that the first key opens is not mounted.
Here a key waits until those before it have had their effect. A single key is not delayed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

if TYPE_CHECKING:
    from tui.navigation.navigation import NavigatingApp

Typed = events.InputEvent | events.Paste
BURST = 2.0
"""Seconds after a key of `SETS_OFF` within which its effect may still be under way, on a machine with much to do: the
next key looks whether it is, which costs a turn of the queues."""
SETS_OFF = frozenset({"enter", "escape", "tab", "space"})
"""Keys that widgets answer with a message (a line is chosen, a prompt answered) that sets off what the key is for. The
other keys have had their effect when the app has seen them."""
PATIENCE = 3.0
"""Seconds after which a key is delivered although a view is still being opened."""
PROBE_TIME = 0.5
"""Seconds that a probe may take; a widget that is removed meanwhile does not pass it on."""
ROUNDS = 3
"""Probes behind a key of `SETS_OFF`: its message may set off another (`enter` in the prompt, then the command)."""
MOST = 65_536
"""Keys that wait at most; what comes after them is dropped, with a message."""


class Probe(Message):
    """Travels from the widget with the keyboard to the app, behind the messages that a key set off."""

    def __init__(self, landed: asyncio.Future[None]) -> None:
        super().__init__()
        self.landed = landed

    def arrived(self) -> None:
        """Continue with the waiting key."""
        if not self.landed.done():
            self.landed.set_result(None)


class TypeAhead:
    """Decides for each key whether it is delivered now, and delivers the waiting ones in order."""

    def __init__(self, app: NavigatingApp) -> None:
        self._app = app
        self._waiting: deque[Typed] = deque()
        self._passing: Typed | None = None
        self._out: Typed | None = None
        self._sent = -BURST
        """When the last key of `SETS_OFF`, click or paste was delivered, whose effect was not waited for yet."""
        self._running = False
        self.started: float | None = None
        """When the first frame was out, by the clock of events; None before."""

    def as_typed(self, event: events.InputEvent | events.Paste) -> Typed:
        """Return the key that was pressed: before the console had the terminal, its driver made a newline of enter."""
        early = self.started is None or event.time < self.started
        if early and isinstance(event, events.Key) and event.key == "ctrl+j":
            return events.Key("enter", "\r")
        return event

    @property
    def idle(self) -> bool:
        """Whether no key waits."""
        return not self._waiting and not self._running

    def takes(self, event: Typed) -> bool:
        """Whether `event` is put by until the keys before it have had their effect; it is then posted again."""
        if event is self._passing:
            self._passing = None
            self._note(event)
            return False
        if isinstance(event, events.MouseMove) or self._app.ending:
            return False
        if isinstance(event, events.Key) and event.key == "ctrl+c":
            self._waiting.clear()  # as a terminal does: an interrupt drops what was typed ahead
            return False
        if self.idle and not self._unsettled():
            self._note(event)
            return False
        if len(self._waiting) >= MOST:
            self._app.announce("Too many keys at once: the last ones were dropped.", "warn")
            return True
        self._waiting.append(event)
        if not self._running:
            self._running = True
            self._app.run_worker(self._deliver(), group="keys:deliver")
        return True

    def returned(self, event: events.Event) -> None:
        """Note that the app itself has handled a key that no widget took."""
        if event is self._out:
            self._out = None

    def _note(self, event: Typed) -> None:
        if isinstance(event, events.Key):
            self._out = event
        if isinstance(event, events.Paste | events.MouseUp) or getattr(event, "key", "") in SETS_OFF:
            self._sent = time.monotonic()

    def _unsettled(self) -> bool:
        return self._out is not None or time.monotonic() - self._sent < BURST or self._app.openings.busy

    async def _deliver(self) -> None:
        try:
            while self._waiting:
                await self._settle()
                if self._waiting:
                    self._passing = self._waiting.popleft()
                    self._app.post_message(self._passing)
                    while self._passing is not None and not self._app.ending:
                        await asyncio.sleep(0)
        finally:
            self._running = False

    async def _settle(self) -> None:
        """Wait until the effects of the keys before are there."""
        latest = time.monotonic() + PATIENCE
        while True:
            for _ in range(ROUNDS if time.monotonic() - self._sent < BURST else 1):
                await self._probe()
            if not self._app.openings.busy or time.monotonic() > latest:
                self._sent = -BURST
                return
            while self._app.openings.busy and time.monotonic() < latest:
                await asyncio.sleep(0.002)

    async def _probe(self) -> None:
        app = self._app
        if app.openings.busy:
            return
        loop = asyncio.get_running_loop()
        probe = Probe(loop.create_future())
        if (app.focused or app.screen).post_message(probe):
            late = loop.call_later(PROBE_TIME, probe.arrived)
            await probe.landed
            late.cancel()
