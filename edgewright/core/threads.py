"""Blocking work in a thread that ends soon after its caller is cancelled: it is not waited for to its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")
Check = Callable[[], None]
"""Raises `Stopped` where the work is no longer wanted; long work calls it with every piece."""
ENDING = 5.0
"""Seconds that a cancelled caller waits for its thread to clean up; a share that does not answer takes longer."""


class Stopped(Exception):
    """The caller of the work was cancelled; the work itself alone sees it."""


def unchecked() -> None:
    """Return at once: for work that is never stopped."""


def begun(do: Callable[[], Result], name: str) -> asyncio.Future[Result]:
    """Begin `do` in a daemon thread, which does not delay the end of the process; return what it will return."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Result] = loop.create_future()

    def deliver(setter: Callable[[Any], None], value: Any) -> None:
        if not answer.done():  # no one waits any more
            setter(value)

    def run() -> None:
        setter: Callable[[Any], None] = answer.set_result
        try:
            value: Any = do()
        except BaseException as error:
            setter, value = answer.set_exception, error
        try:
            loop.call_soon_threadsafe(deliver, setter, value)
        except RuntimeError:
            pass  # the loop has ended

    threading.Thread(target=run, name=name, daemon=True).start()
    return answer


async def in_thread(work: Callable[[Check], Result]) -> Result:
    """Return what `work(check)` returns, which runs in a thread. Raises what it raises.

    When the caller is cancelled, `check` raises from then on, and this ends when `work` has, or after `ENDING`.
    """
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Stopped

    running = begun(lambda: work(check), "work")
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.set()
        running.add_done_callback(_taken)
        await asyncio.wait([running], timeout=ENDING)
        raise


def _taken(running: asyncio.Future[Any]) -> None:
    """Take its error, if any: asyncio reports an error that is never taken."""
    if not running.cancelled():
        running.exception()
