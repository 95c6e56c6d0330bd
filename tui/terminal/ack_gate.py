"""On a slow link a frame is sent only when the terminal has shown the ones before it.

Textual queues thirty frames and never drops one, so on a satellite link a key takes effect after half a minute. Here
each frame ends with the question "where is the cursor" (`ESC[6n`); the answer says that everything before it was
shown. While more than a window of bytes is unanswered, painting is held: what changes meanwhile is painted once,
when the answer comes. After `PATIENCE` seconds without an answer painting goes on, the terminal may not know how.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App
    from textual.driver import Driver

WINDOW = 8192
"""Bytes that may be on their way unanswered; small echoes are not delayed by the link's round trip."""
PATIENCE = 5.0
"""Seconds to wait for an answer before painting goes on without it."""
QUESTION = "\x1b[6n"


class AckGate:
    """Counts what was written, asks after each frame, and holds painting while too much is on its way."""

    def __init__(
        self,
        app: App[Any],
        window: int = WINDOW,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._window = window
        self._patience = patience
        self._clock = clock
        self._driver: Driver | None = None
        self._frames: deque[tuple[int, float]] = deque()
        self._written = 0
        self._hold = ExitStack()
        self.holding = False
        self._dropped = False

    def start(self, driver: Driver) -> None:
        """Count what goes through `driver` from now on, and look for answers that never come."""
        self._driver = driver
        plain_write = driver.write

        def write(data: str) -> None:
            self._written += len(data.encode("utf-8", "replace"))
            plain_write(data)

        driver.write = write  # type: ignore[method-assign]
        self._app.set_interval(1.0, self.check, name="ack-gate")

    @property
    def on_the_way(self) -> int:
        """Return how many bytes no answer has come for."""
        return sum(size for size, _ in self._frames)

    def frame_shown(self) -> None:
        """Take note that a frame was written: ask for its answer, and hold when the window is full."""
        if self._driver is None:
            return
        if self.holding:
            self._dropped = True
            return
        size, self._written = self._written, 0
        if not size:
            return
        self._driver.write(QUESTION)
        self._written = 0
        self._frames.append((size + len(QUESTION), self._clock()))
        if self.on_the_way > self._window:
            self.holding = True
            self._hold.enter_context(self._app.batch_update())

    def answered(self) -> None:
        """Take note of an answer: the oldest frame was shown."""
        if self._frames:
            self._frames.popleft()
        if self.holding and self.on_the_way <= self._window:
            self._release()

    def check(self) -> None:
        """Go on without an answer when none came for `patience` seconds."""
        if self._frames and self._clock() - self._frames[0][1] > self._patience:
            self._frames.clear()
            if self.holding:
                self._release()

    def _release(self) -> None:
        self.holding = False
        self._hold.close()
        if self._dropped:
            self._dropped = False
            self._app.screen.refresh()
