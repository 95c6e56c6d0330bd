"""When the hub fetches: few at once, few of one caller, each pack once, and in threads that nothing else waits for."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast

from edgewright.core.errors import EdgewrightError
from edgewright.hub.http.problems import Problem
from edgewright.hub.packs.fetching import problem_of
from edgewright.wire import protocol

T = TypeVar("T")
AT_ONCE = 3
"""Fetches of this process at the same time."""
WAITING = 50
"""Fetches that run or wait for their turn; further ones get 503."""
OF_ONE = 10
"""Those of one caller; further ones get 429, so that the others find room."""


class Fetcher:
    """Runs fetches. Used on the event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting: Counter[str] = Counter()
        """Caller -> fetches that run or wait."""
        self._by_uid: dict[str, asyncio.Task[Any]] = {}
        self.syncing: set[str] = set()
        """Registries that are looked at at present."""
        self.tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Callable[[], T], caller: str = "") -> T:
        """Run blocking work in a thread when it is its turn; its errors become `Problem`. `caller`: as `Call.caller`.

        The turn lasts until the thread ends, also when no request waits for the result any more.
        """
        if self._waiting.total() >= WAITING:
            raise Problem(503, "Busy", "The hub fetches from too many registries already; try again in a minute.")
        if caller and self._waiting[caller] >= OF_ONE:
            message = f"{OF_ONE} fetches of this caller run or wait already; wait for their answers."
            raise Problem(429, protocol.E_TOO_MANY, message, {"Retry-After": "10"})
        self._waiting[caller] += 1
        try:
            await self._turns.acquire()
            return await _in_thread(work, self._turns.release)
        except EdgewrightError as error:
            raise problem_of(error) from None
        finally:
            self._waiting[caller] -= 1
            if not self._waiting[caller]:
                del self._waiting[caller]

    async def once(self, uid: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Fetch one pack; all who ask for it meanwhile get the same outcome, a failure too."""
        task = self._by_uid.get(uid)
        if task is None:
            task = self._by_uid[uid] = self.begin(work())
            task.add_done_callback(lambda _: self._by_uid.pop(uid, None))
        return cast(T, await asyncio.shield(task))

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine beside the request."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # those that wait get it; there may be none


def _in_thread(work: Callable[[], T], ended: Callable[[], None]) -> Awaitable[T]:
    """Run blocking work in a thread of its own; `ended` is called on the loop when the thread is done.

    The threads of `asyncio.to_thread` are few, the database is read with them, and the end of a hub waits for them.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: Exception | None) -> None:
        ended()
        if future.done():
            return
        if error is None:
            future.set_result(cast(T, result))
        else:
            future.set_exception(error)

    def run() -> None:
        result: T | None = None
        error: Exception | None = None
        try:
            result = work()
        except Exception as problem:  # noqa: BLE001,RUF100 - handed to whoever waits
            error = problem
        except BaseException as problem:  # noqa: BLE001,RUF100 - the end of this thread must not end the hub's loop
            error = RuntimeError(f"the thread of a fetch was ended: {problem!r}")
        try:
            loop.call_soon_threadsafe(finish, result, error)
        except RuntimeError:
            return  # the loop has closed: no client waits any more

    try:
        threading.Thread(target=run, name="hub-fetch", daemon=True).start()
    except RuntimeError:  # the machine has no more threads
        ended()
        raise
    return future
