"""A filter on a large fleet is applied piece by piece, so that keys are handled between two pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

AT_ONCE: Final = 3000
"""Hosts up to which a filter is applied in one go: a few milliseconds."""
PIECE: Final = 2000
"""Hosts of one piece: about three milliseconds."""
BREATH: Final = 0.001
"""Seconds for keys and paints between two pieces."""


class FilterRun:
    """The filter that is being applied now, if any; a newer one takes its place."""

    def __init__(self, done: Callable[[], None]) -> None:
        """`done` is called when all pieces were looked at, not when another filter came before that."""
        self._done = done
        self._pieces: Iterator[object] | None = None

    @property
    def running(self) -> bool:
        """Whether the rows that are shown are still those of the filter before."""
        return self._pieces is not None

    def start(self, pieces: Iterator[object], hosts: int) -> None:
        """Apply a filter to `hosts` hosts by exhausting `pieces`: now, or with pauses when they are many."""
        self._pieces = pieces
        if hosts <= AT_ONCE:
            for _ in pieces:
                pass
            self._end()
        else:
            self._step(pieces)

    def cancel(self) -> None:
        """Leave the filter that is being applied; `done` is not called."""
        self._pieces = None

    def _step(self, pieces: Iterator[object]) -> None:
        if pieces is not self._pieces:
            return
        if next(pieces, self) is self:
            self._end()
        else:
            asyncio.get_running_loop().call_later(BREATH, self._step, pieces)

    def _end(self) -> None:
        self._pieces = None
        self._done()
