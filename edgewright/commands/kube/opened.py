"""The API of one cluster while screens show it: opened over the route of `kube proxy`, its lists followed by watch.

All screens of a cluster share one port and one watch of each kind. Both end a while after the last screen was left.
Nothing here blocks: opening, listing and watching are tasks, and a screen reads what they have so far.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from edgewright.clients.kube.watching import PAUSES, Watched
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Failed, NotFound
from edgewright.store.workloads import namespaces
from edgewright.store.workloads.kinds import Kind
from edgewright.store.workloads.objects import ObjectRow
from edgewright.store.workloads.usage import BASE, Usage, usage_of

if TYPE_CHECKING:
    from edgewright.clients.kube.ports import CanAskApi

LINGER = 30.0
"""Seconds that a port and its watches last after the last screen was left."""
USAGE_EVERY, NO_USAGE_EVERY = 20.0, 120.0
"""Seconds between two looks at what is in use: metrics-server measures each 15 s; and where there are no metrics."""
SHARE = 10.0
"""Times as long as an answer took, at least, until the next is asked for: a thin link is left to what follows it."""
NO_METRICS = "this cluster has no metrics API: install metrics-server"
NAMESPACES_EVERY = 30.0
"""Seconds between two looks at the names of namespaces."""
Report = Callable[[str], None]
OpenApi = Callable[[Report], Awaitable["CanAskApi"]]
Changed = Callable[["set[str] | None"], None]
Rows = Watched[ObjectRow]
"""What a screen has of one kind: rows by key, and how old they are."""


class Followed:
    """One kind that is followed, and who is called for changes."""

    def __init__(self, watched: Rows, task: asyncio.Task[None]) -> None:
        self.watched = watched
        self.task = task
        self.listeners: list[Changed] = []


class Opened:
    """The API of a cluster. `follow` begins with a kind, `leave` ends it."""

    def __init__(self, name: str, open_api: OpenApi, clock: Callable[[], float] = times.now) -> None:
        self.name = name
        self._open_api, self._clock = open_api, clock
        self.api: CanAskApi | None = None
        self.progress = "The API is opened."
        """What is done, or waited for, until the API is open."""
        self.error = ""
        """Why the API is not open."""
        self.retry_at: float | None = None
        self.namespaces: tuple[str, ...] = ()
        self.usage: dict[str, Usage] = {}
        """What is in use by the name of the kind: pods or nodes; it is asked for with the first list of the kind."""
        self._measuring: dict[str, asyncio.Task[None]] = {}
        self._followed: dict[str, Followed] = {}
        self._users = 0
        self._opening: asyncio.Task[None] | None = None
        self._naming: asyncio.Task[None] | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._is_open = asyncio.Event()

    def enter(self) -> None:
        """Open the API for one more screen."""
        self._users += 1
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())

    def leave(self) -> None:
        """End it, a while after the last screen was left."""
        self._users -= 1
        if self._users <= 0 and self._ending is None:
            loop = asyncio.get_running_loop()
            self._ending = loop.call_later(LINGER, lambda: self._end_soon(loop))

    def _end_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        self._closing = loop.create_task(self.aclose())  # the reference lasts as long as the task

    def follow(self, kind: Kind, changed: Changed) -> Rows:
        """Return the rows of a kind; `changed` is called with their keys, `None` for all."""
        followed = self._followed.get(kind.name)
        if followed is None:
            followed = self._begin(kind)
        followed.listeners.append(changed)
        return followed.watched

    def measure(self, kind: Kind) -> None:
        """Ask again and again what the objects of a kind use; `usage` has it."""
        if kind.name not in self._measuring:
            self._measuring[kind.name] = asyncio.create_task(self._measure(kind))

    async def _measure(self, kind: Kind) -> None:
        loop = asyncio.get_running_loop()
        while True:
            every, api, began = USAGE_EVERY, await self.opened(), loop.time()
            try:
                data = await api.request("GET", f"{BASE}/{kind.name}")
                self.usage[kind.name] = Usage(await asyncio.to_thread(usage_of, data))
            except NotFound:
                self.usage[kind.name], every = Usage({}, NO_METRICS), NO_USAGE_EVERY
            except EdgewrightError as error:
                self.usage[kind.name] = Usage({}, error.message.rstrip("."))
            for listener in tuple(self._followed[kind.name].listeners) if kind.name in self._followed else ():
                listener(None)
            await asyncio.sleep(max(every, SHARE * (loop.time() - began)))

    def unfollow(self, kind: Kind, changed: Changed) -> None:
        """Call `changed` no more; the watch ends with the API."""
        followed = self._followed.get(kind.name)
        if followed is not None and changed in followed.listeners:
            followed.listeners.remove(changed)

    def _begin(self, kind: Kind) -> Followed:
        def changed(keys: set[str] | None) -> None:
            for listener in tuple(followed.listeners):
                listener(keys)

        watched: Rows = Watched(_Later(self), kind.path(), kind.row_of, changed, self._clock)
        followed = Followed(watched, asyncio.create_task(watched.run()))
        self._followed[kind.name] = followed
        return followed

    async def opened(self) -> CanAskApi:
        """Return the API as soon as it is open."""
        while self.api is None:
            await self._is_open.wait()
        return self.api

    async def _open(self) -> None:
        for attempt in range(1_000_000):
            try:
                self.api = await self._open_api(self._report)
            except EdgewrightError as error:
                pause = PAUSES[min(attempt, len(PAUSES) - 1)]
                self.error, self.retry_at = f"{error.message} {error.hint}".strip(), self._clock() + pause
                self._announce()
                await asyncio.sleep(pause)
                continue
            self.error, self.retry_at, self.progress = "", None, ""
            self._is_open.set()
            self._naming = asyncio.create_task(self._name())
            self._announce()
            return

    async def reopen(self) -> None:
        """Open it again: with a new kubeconfig, over the way that works now."""
        await self._close_api()
        self._opening = asyncio.create_task(self._open())

    def _report(self, text: str) -> None:
        self.progress = text
        self._announce()

    def _announce(self) -> None:
        for followed in self._followed.values():
            for listener in tuple(followed.listeners):
                listener(None)

    async def _name(self) -> None:
        """Look at the names of namespaces again and again."""
        while True:
            with contextlib.suppress(EdgewrightError, msgspec.DecodeError, ValueError, RecursionError):
                data = await (await self.opened()).request("GET", f"/api/v1/namespaces?limit={namespaces.MOST}")
                names = namespaces.names_of(data)
                if names != self.namespaces:
                    self.namespaces = names
                    self._announce()
            await asyncio.sleep(NAMESPACES_EVERY)

    async def _close_api(self) -> None:
        api, self.api = self.api, None
        self._is_open.clear()
        for task in (self._opening, self._naming):
            if task is not None:
                task.cancel()
        self._opening = self._naming = None
        if api is not None:
            await api.aclose()

    async def aclose(self) -> None:
        """End the watches and the port. A screen that is opened meanwhile opens it again."""
        followed, self._followed = list(self._followed.values()), {}
        measuring, self._measuring = list(self._measuring.values()), {}
        tasks = [*(each.task for each in followed), *measuring]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close_api()
        self._ending = None


class _Later:
    """The API of a cluster as its watches have it: they wait until it is open, and use the one that is open now."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    async def request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        """Ask when it is open."""
        return await (await self._opened.opened()).request(method, path, body, kind)

    async def lines(self, path: str, silent: float) -> AsyncGenerator[bytes, None]:
        """Yield lines when it is open."""
        api = await self._opened.opened()
        lines = api.lines(path, silent)
        try:
            async for line in lines:
                yield line
        finally:
            await lines.aclose()

    async def aclose(self) -> None:
        """Leave that to whom it belongs."""
        raise Failed("The API of a cluster is ended by its owner.", "")
