"""Heartbeats of a busy fleet reach the event loop in groups: it sleeps a moment between two rounds.

A heartbeat that wakes the loop by itself costs twice as much as one of several that are read in one round: by then the
loop, its sockets and all code are out of the processor's caches. The answer waits for a shared commit anyway, and the
sockets store what arrives meanwhile. Whatever else the loop has to do waits for `REST` at most; while users ask, or
bytes of their streams pass, it does not sleep: each step of a request, and each 256 KiB of a stream, would wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

REST: Final = 0.04
"""Seconds between two rounds at most."""
TOGETHER: Final = 16
"""Heartbeats that one round should have; a fleet that sends so many sooner waits less."""
LEAST: Final = 200.0
"""Heartbeats a second from which rounds are apart: eight of them share one."""
ENOUGH: Final = 32
"""Heartbeats of one round after which the next one follows at once: their senders wait for the answers."""
_WINDOW: Final = 0.25
"""Seconds over which the rate is measured."""


class BeatRounds:
    """Counts the heartbeats of each round. Used on the event loop only."""

    def __init__(
        self,
        crowded: Callable[[], bool],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`crowded` returns whether the loop may sleep: several heartbeats wait for commits, and no user waits."""
        self._crowded, self._sleep, self._clock = crowded, sleep, clock
        self._count = self._window = 0
        self._due = False
        self._began, self._rate = clock(), 0.0
        self._rested = self._began - REST

    def note(self) -> None:
        """Count a heartbeat of this round."""
        self._count += 1
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.end)

    def end(self) -> None:
        """End a round: sleep if the next one would have a single heartbeat or few."""
        count, self._count, self._due = self._count, 0, False
        now, self._window = self._clock(), self._window + count
        if now - self._began >= _WINDOW:
            self._rate = self._window / (now - self._began)
            self._began, self._window = now, 0
        if count < ENOUGH and self._rate >= LEAST and self._crowded():
            # A round that took so long, on a machine with little time for this process, is apart from the last one.
            rest = min(REST, TOGETHER / self._rate) - (now - self._rested)
            if rest > 0:
                self._sleep(rest)
            self._rested = self._clock()
