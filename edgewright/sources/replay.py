"""Replay as a feed: a recording is shown as if it happened now, at any speed, and can be paused and stepped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from edgewright.clients import ports
from edgewright.core import times
from edgewright.store.engine.model import Model, SourceStatus
from edgewright.store.engine.replay import Replay

SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0)
"""The speeds that the console offers."""
TICK: Final = 0.2
"""Seconds of real time between two pictures while it plays."""


class ReplaySource:
    """Plays a recording into `show`, which takes the model of each moment (`Store.restore`).

    Raises `NotFound` or `InvalidInput` when it is made of a file that is none.
    """

    def __init__(
        self,
        path: Path,
        show: Callable[[Model], None],
        *,
        speed: float = 1.0,
        paused: bool = False,
        clock: Callable[[], float] = times.now,
    ) -> None:
        self._show = show
        self._clock = clock
        self.replay = Replay.open(path)
        self._speed = speed
        self._paused = paused
        self._moment = self.replay.start
        self._changed = asyncio.Event()
        self._last: tuple[int, bool, float] | None = None

    @property
    def paused(self) -> bool:
        """Whether time is paused."""
        return self._paused

    @property
    def speed(self) -> float:
        """Seconds of the recording in one second."""
        return self._speed

    @property
    def moment(self) -> float:
        """The time that is shown, epoch seconds of the recording."""
        return self._moment

    def pause(self, on: bool | None = None) -> None:
        """Pause or continue; without an argument the other of the two."""
        self._paused = not self._paused if on is None else on
        self._touch()

    def set_speed(self, speed: float) -> None:
        """Set the seconds of the recording in one second. Raises `ValueError` unless it is above 0."""
        if not speed > 0:
            raise ValueError("the speed of a replay is above 0")
        self._speed = speed
        self._touch()

    def seek(self, moment: float) -> None:
        """Go to a time, limited to the recording."""
        self._moment = min(max(moment, self.replay.start), self.replay.end)
        self.replay.seek(self._moment)
        self._touch()

    def step(self, count: int = 1) -> None:
        """Pause, and go `count` events on or back."""
        self._paused = True
        self.replay.step(count)
        self._moment = self.replay.now
        self._touch()

    def retry_now(self) -> None:
        """Continue if it is paused: the nearest thing to trying again."""
        self.pause(False)

    async def run(self) -> None:
        """Play until cancelled; at the end of the recording it pauses."""
        self._present()
        while True:
            began = self._clock()
            self._changed.clear()
            playing = not self._paused and self._moment < self.replay.end
            try:
                async with asyncio.timeout(TICK if playing else None):
                    await self._changed.wait()
            except TimeoutError:
                self._advance(max(0.0, self._clock() - began) * self._speed)
            self._present()

    def _advance(self, seconds: float) -> None:
        self._moment = min(self._moment + seconds, self.replay.end)
        self.replay.seek(self._moment)
        if self._moment >= self.replay.end:
            self._paused = True

    def _touch(self) -> None:
        self._changed.set()
        self._present()

    def _present(self) -> None:
        """Show the model of the present moment, if it or the way it is shown has changed."""
        shown = (self.replay.position, self._paused, self._speed)
        if shown == self._last:
            return
        self._last = shown
        self._show(msgspec.structs.replace(self.replay.model, source=self._status()))

    def _status(self) -> SourceStatus:
        recorded = self.replay.model.source
        how = "paused" if self._paused else f"{self._speed:g}x"
        return SourceStatus(
            state="replay",
            message=how,
            since=self.replay.start,
            done=self.replay.position,
            total=len(self.replay),
            contact=self._moment,
            plane=recorded.plane,
            version=recorded.version,
            missing=ports.names(ports.missing("recording")),
        )
