"""Blocking work of paramiko in daemon threads: neither the event loop nor the end of the program waits for a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


def in_thread(do: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Return the future of what `do` returns or raises; the caller need not wait for it."""
    future, run = _prepared(do)
    threading.Thread(target=run, name=name, daemon=True).start()
    return future


class Worker:
    """One daemon thread for blocking work that comes again and again: to start one each time makes the loop wait."""

    def __init__(self, name: str) -> None:
        self._name, self._started = name, False
        self._todo: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def do(self, do: Callable[[], T]) -> asyncio.Future[T]:
        """Return the future of what `do` returns or raises, after what was asked for before."""
        future, run = _prepared(do)
        self._todo.put(run)
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
        return future

    def end(self) -> None:
        """End the thread when it has done what was asked for; further work starts another."""
        if self._started:
            self._started = False
            self._todo.put(None)

    def _run(self) -> None:
        while (work := self._todo.get()) is not None:
            work()


def _prepared(do: Callable[[], T]) -> tuple[asyncio.Future[T], Callable[[], None]]:
    """Return a future of the running loop, and what a thread does to give it the result of `do`."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(setter: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            setter(value)

    def run() -> None:
        try:
            setter, value = future.set_result, do()
        except BaseException as error:
            setter, value = future.set_exception, error  # type: ignore[assignment]
        try:
            loop.call_soon_threadsafe(deliver, setter, value)
        except RuntimeError:
            pass  # the loop has ended

    future.add_done_callback(_noticed)
    return future, run


def _noticed(future: asyncio.Future[Any]) -> None:
    """Take the exception of a future that is not waited for any more, which would be logged else."""
    if not future.cancelled():
        future.exception()


class Clock:
    """Seconds that may be used; they do not pass while the operator is asked."""

    def __init__(self, seconds: float) -> None:
        self._seconds = self._left = seconds
        self._asked = 0
        self._since = asyncio.get_running_loop().time()

    def _pass(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._asked:
            self._left -= now - self._since
        self._since = now

    @property
    def used(self) -> float:
        """Seconds that passed, without questions."""
        self._pass()
        return self._seconds - self._left

    def __enter__(self) -> None:
        """Stop: a question begins."""
        self._pass()
        self._asked += 1

    def __exit__(self, *_: object) -> None:
        """Continue: it was answered."""
        self._pass()
        self._asked -= 1

    async def wait(self, future: asyncio.Future[T]) -> T:
        """Return the result of a future. Raises `TimeoutError` when the seconds are over before."""
        while not future.done():
            self._pass()
            if self._left <= 0 and not self._asked:
                raise TimeoutError
            await asyncio.wait([future], timeout=0.25 if self._asked else min(self._left, 0.25))
        return future.result()
