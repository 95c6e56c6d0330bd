"""An asyncio loop whose clock jumps: a minute of waiting takes no time, and its order is exact.

Only for what lives inside one process; real sockets and threads do not know this clock.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _Selector(selectors.SelectSelector):
    """Turns waiting into a step of the clock."""

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self._advance = advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            if timeout is None:
                raise RuntimeError("everything waits and nothing is due: a deadlock in virtual time")
            self._advance(timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; `time()` starts at 0 and counts virtual seconds."""

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_Selector(self._step))

    def time(self) -> float:
        """Return the virtual seconds since the start."""
        return self._virtual

    def _step(self, seconds: float) -> None:
        self._virtual += max(seconds, 0.0)


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run `main` in virtual time and return its result."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
