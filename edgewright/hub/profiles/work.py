"""Long work on profiles: on a thread of its own, one piece at a time, fairly among the callers.

Reading and resolving megabytes of YAML takes seconds. Neither the event loop nor the writer waits for it, and it takes
no thread from the queries of the database, which share the default executor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from edgewright.hub.http.problems import Problem
from edgewright.hub.readmodel.pace import Turns
from edgewright.wire import protocol

T = TypeVar("T")
OF_CALLER = 50
"""Pieces of one caller that wait; further ones get 429."""


class ProfileWork:
    """Runs pieces of work one after the other, each caller in turn. Used on the event loop only."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="hub-profiles")
        self._turns = Turns()

    async def run(self, caller: str, work: Callable[[], T]) -> T:
        """Return what `work` returns; raises what it raises, and `Problem` 429 when too much of a caller waits."""
        if self._turns.waiting(caller) >= OF_CALLER:
            text = f"{OF_CALLER} requests of yours about profiles wait; send this one when some have ended."
            raise Problem(429, protocol.E_TOO_MANY, text, {"Retry-After": "1"})
        await self._turns.take(caller)
        try:
            future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        except RuntimeError:  # the process ends
            self._turns.give()
            raise Problem(503, protocol.E_UNAVAILABLE, "The hub is stopping; try again in a moment.") from None
        future.add_done_callback(lambda _: self._turns.give())  # a piece whose caller has left runs to its end
        return await asyncio.shield(future)
