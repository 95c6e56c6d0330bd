"""The coalescer: events come in at any rate, subscribers hear of them a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

TICK: Final = 0.15
"""Seconds between two rounds; a screen needs no more, and a slow link bears no more."""
LIMITS: Final = (0.1, 1.0)
"""The tick is kept within these seconds; the setting `refresh_ms` chooses."""


class Coalescer:
    """Call `work` at most once a tick while there is something to do, on the running asyncio loop.

    `work` returns whether it left something over; the rest is done in the next round of the loop, so that keys and
    paints come in between. Without a running loop nothing is scheduled: the owner calls `work` itself.
    """

    def __init__(self, work: Callable[[], bool], tick: float = TICK) -> None:
        self._work = work
        self.tick = min(max(tick, LIMITS[0]), LIMITS[1])
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def poke(self) -> None:
        """Say that there is something to do. Call it on the loop's own thread."""
        if self._timer is not None and self._loop is not None and not self._loop.is_closed():
            return
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._timer = None
            return
        self._timer = self._loop.call_later(self.tick, self._round)

    def stop(self) -> None:
        """Forget the round that is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _round(self) -> None:
        self._timer = None
        if self._work() and self._loop is not None and self._timer is None:
            self._timer = self._loop.call_later(0, self._round)
