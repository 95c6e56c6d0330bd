"""One queue for everything that changes which screen is in front: views are opened and left one after the other.

Textual mounts and removes a screen in several turns of the event loop. Two such changes at the same time remove a
screen that is still being mounted, and a screen that waits for its own removal waits for ever. Nothing outside this
queue therefore pops a screen, and nothing waits for the queue: a step is added, and the caller returns.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App
from textual.screen import ModalScreen, Screen
from textual.worker import Worker

from edgewright.core.errors import EdgewrightError
from tui.frame.links import is_ready

Step = Callable[[], Awaitable[None]]
ASKING_TIME = 0.3
"""Seconds that keys wait for the dialog of a verb; later they go to the screen in front."""
SETTLING_TIME = 1.0
"""Seconds that keys wait for a screen that still reads what it shows."""
log = logging.getLogger(__name__)


class Openings:
    """Runs steps in the order in which they were added; a step that fails is reported, and the next one runs."""

    def __init__(self, app: App[Any], report: Callable[[str, str], None]) -> None:
        """`report` puts a sentence with its level on the message line."""
        self._app = app
        self._report = report
        self._steps: deque[Step] = deque()
        self._running = False
        self._unsettled: Screen[Any] | None = None
        self._unsettled_since = 0.0
        self._asking: Worker[Any] | None = None
        self._asked_on: Screen[Any] | None = None
        self._asked_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether the screen in front is about to change, or not yet mounted."""
        stack = self._app.screen_stack
        if self._running or self._steps or not stack or not is_ready(stack[-1]):
            return True
        return self._is_settling(stack[-1]) or self._is_asking(stack[-1])

    def add(self, step: Step) -> None:
        """Run `step` after those that were added before."""
        self._steps.append(step)
        if not self._running:
            self._running = True
            self._app.run_worker(self._run(), group="view:open", exit_on_error=False)

    def follow(self, worker: Worker[Any]) -> None:
        """Be busy until `worker` has ended or shown a dialog, for at most `ASKING_TIME`."""
        self._asking, self._asked_on, self._asked_at = worker, self._app.screen, time.monotonic()

    def _is_settling(self, front: Screen[Any]) -> bool:
        if getattr(front, "is_settled", True):
            self._unsettled = None
            return False
        if front is not self._unsettled:
            self._unsettled, self._unsettled_since = front, time.monotonic()
        return time.monotonic() - self._unsettled_since < SETTLING_TIME

    def _is_asking(self, front: Screen[Any]) -> bool:
        worker = self._asking
        if worker is None:
            return False
        waits = time.monotonic() - self._asked_at < ASKING_TIME
        if worker.is_finished or front is not self._asked_on or not waits:
            self._asking = self._asked_on = None
        return self._asking is not None

    async def _run(self) -> None:
        try:
            while self._steps:
                step = self._steps.popleft()
                try:
                    await step()
                except EdgewrightError as error:
                    self._report(f"{error.message} {error.hint}".strip(), "bad")
                except Exception as error:
                    log.exception("a view could not be opened")
                    self._report(f"The view could not be opened, a bug in Edgewright: {error!r:.200}", "bad")
        finally:
            self._running = False

    async def close(self, screen: Screen[Any]) -> None:
        """Remove `screen` and what is above it; one that is not on the stack any more is left alone."""
        app = self._app
        while screen in app.screen_stack and len(app.screen_stack) > 1:
            if not is_ready(app.screen):  # opened outside the queue a moment ago
                await asyncio.sleep(0.005)
                continue
            if isinstance(app.screen, ModalScreen):
                await app.screen.dismiss(None)  # who waits for its answer gets none
            else:
                await app.pop_screen()
