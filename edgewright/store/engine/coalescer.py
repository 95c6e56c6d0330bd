"""The coalescer: events arrive at any rate, are worked off in small slices, and reported a few times a second.

Neither blocks the loop for long: between two slices keys and paints have their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

TICK: Final = 0.15
"""Seconds between two rounds; a screen needs no more, and a slow link bears no more."""
LIMITS: Final = (0.1, 1.0)
"""The tick stays within these seconds; above a quarter of a second only by a setting, for links that bear less."""
PACE: Final = 0.01
"""Seconds after which what arrived is processed: early and in little pieces, not all of it when the round is due."""
BREATH: Final = 0.002
"""Seconds left to keys and paints between two slices while there is more to do."""


class Coalescer:
    """Call `work` soon after something arrived, and `tell` at most once a tick, on the running asyncio loop.

    `work` does one slice and returns whether it left something over. `tell` returns whether it has to be called again
    soon, because it interrupted something. Without a running loop nothing is scheduled: the owner calls both
    itself.
    """

    def __init__(self, work: Callable[[], bool], notify: Callable[[], bool], tick: float = TICK) -> None:
        self._work = work
        self._notify = notify
        self.tick = min(max(tick, LIMITS[0]), LIMITS[1])
        self._working: asyncio.TimerHandle | None = None
        self._telling: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deferred_from = self._deferred_until = self._deferrable_from = 0.0

    def poke(self) -> None:
        """Signal that there is something to do. Call it on the loop's own thread."""
        if self._loop is None or self._loop.is_closed():
            self._working = self._telling = None
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:
                self._loop = None
                return
        if self._working is None:
            self._working = self._loop.call_later(PACE, self._slice)
        if self._telling is None:
            self._telling = self._loop.call_later(self.tick, self._round)

    def defer(self, seconds: float) -> None:
        """Begin no slice and no round for `seconds` or until `resume`: the effect of a key is painted first.

        As long as that lasted, later calls do nothing: half of the time remains for work, however many keys there are.
        May be called on any thread.
        """
        if self._loop is not None and self._loop.time() >= self._deferrable_from:
            now = self._loop.time()
            self._deferred_from, self._deferred_until = now, now + seconds
            self._deferrable_from = now + 2 * seconds

    def resume(self) -> None:
        """Let work begin again."""
        if self._loop is not None and (now := self._loop.time()) < self._deferred_until:
            self._deferred_until, self._deferrable_from = now, 2 * now - self._deferred_from

    @property
    def deferred(self) -> bool:
        """Whether work is deferred now."""
        return self._loop is not None and self._loop.time() < self._deferred_until

    def stop(self) -> None:
        """Forget what is due."""
        for timer in (self._working, self._telling):
            if timer is not None:
                timer.cancel()
        self._working = self._telling = None

    def _slice(self) -> None:
        self._working = self._later(self._slice)
        if self._working is not None:
            return
        left = self._work()
        if self._loop is None:
            return
        if left and self._working is None:
            self._working = self._loop.call_later(BREATH, self._slice)
        if self._telling is None:
            self._telling = self._loop.call_later(self.tick, self._round)

    def _round(self) -> None:
        self._telling = self._later(self._round)
        if self._telling is not None:
            return
        if self._notify() and self._loop is not None and self._telling is None:
            self._telling = self._loop.call_later(BREATH, self._round)

    def _later(self, work: Callable[[], None]) -> asyncio.TimerHandle | None:
        """Schedule `work` for a moment later while work is deferred; None when it may begin now."""
        return self._loop.call_later(BREATH, work) if self._loop is not None and self.deferred else None
