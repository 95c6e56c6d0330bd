"""Work that takes long on the event loop: in slices of a few milliseconds, one at a time, fairly among those who ask.

Everything that loops over the fleet or renders documents runs under a `Pace`. After `SLICE` seconds it gives way: first
to whatever the event loop has to do (heartbeats, pings), then to others that wait for a turn. Only one slice runs
between two rounds of the event loop, however many requests are under way, so that the wait of a short request does not
grow with their number. Turns go round by caller: a hundred searches of one API key delay another user's by one slice
each.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from time import monotonic, perf_counter

from starlette.requests import ClientDisconnect

from edgewright.hub.http.problems import Problem
from edgewright.wire import protocol

SLICE = 0.005
"""Seconds that one piece of work may occupy the event loop."""
MAX_WAITING = 100
"""Requests of one caller that may wait for a turn; further ones get 429."""
ATTENDED = 0.5
"""Seconds after the last request of a user, or bytes of a user's stream, for which the event loop does not sleep."""


class Turns:
    """Hands out the turn to work. Used on the event loop only."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._user = -ATTENDED

    def note_user(self) -> None:
        """Note that a user asks for something now, or that bytes of a user's stream pass."""
        self._user = monotonic()

    @property
    def attended(self) -> bool:
        """Return whether a user has asked for something a moment ago: then the event loop is not to sleep."""
        return monotonic() - self._user < ATTENDED

    def waiting(self, owner: str) -> int:
        """Return how many pieces of work of one caller wait."""
        return len(self._waiting.get(owner, ()))

    async def take(self, owner: str) -> bool:
        """Wait for a turn of `owner`, which `give` must end; return whether there was anything to wait for."""
        if not self._taken:
            self._taken = True
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()  # it was given just now
            raise
        return True

    def give(self) -> None:
        """End a turn; the next one begins in the next round of the event loop, never in this one."""
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """Give the turn to the caller who has waited longest since the last turn of theirs."""
        while self._waiting:
            owner, line = self._waiting.popitem(last=False)
            turn = line.popleft()
            if line:
                self._waiting[owner] = line
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False


class Pace:
    """One piece of long work. `async with` it, and call `rest` whenever `due` is true.

    `rest` raises `ClientDisconnect` when `gone` reports that no client waits for the result any more.
    """

    def __init__(self, turns: Turns, owner: str = "", removed: Callable[[], Awaitable[bool]] | None = None) -> None:
        self._turns = turns
        self.owner = owner
        self._removed = removed
        self.end = 0.0
        """When the slice is used up, by `time.perf_counter`."""
        self._waiting = False

    @classmethod
    def alone(cls) -> Pace:
        """Return a pace for work that competes with nothing."""
        return cls(Turns())

    async def __aenter__(self) -> Pace:
        await self._take()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._give()

    @property
    def due(self) -> bool:
        """Return whether the slice is used up."""
        return perf_counter() >= self.end

    async def rest(self) -> None:
        """Give way to the event loop and to others, then continue with a fresh slice."""
        self._give()
        await self._take()

    async def _take(self) -> None:
        waited = await self._turns.take(self.owner)
        self._waiting = True
        if waited and self._removed is not None and await self._removed():
            self._give()
            raise ClientDisconnect
        self.end = perf_counter() + SLICE

    def _give(self) -> None:
        if self._waiting:
            self._waiting = False
            self._turns.give()

    def admit(self) -> None:
        """Raise `Problem` 429 when this caller has too many requests waiting already."""
        if self._turns.waiting(self.owner) >= MAX_WAITING:
            raise Problem(
                429,
                protocol.E_TOO_MANY,
                f"{MAX_WAITING} requests of this caller wait for their turn already; wait for their answers.",
                {"Retry-After": "1"},
            )
