"""Reading what a user names: a share that does not answer, or a large file, must not stop the program.

A read of a file on a dead share, or of a pipe without a writer, returns late or never: it runs in a daemon thread,
which does not delay the end of the process either (`asyncio.to_thread` waits for its threads).
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Callable, Dict, List, Optional, Set, TypeVar

from edgewright.core.errors import TimedOut
from edgewright.core.text import clean

SECONDS = 5.0
"""How long an action waits for a file."""
GLANCE = 0.25
"""How long a form waits, on the event loop, for a look at a path: once, then the path is known not to answer."""
MOST = 16
"""Paths that are waited for at the same time."""

ENDING = 5.0
"""Seconds that a cancelled caller waits for its thread to clean up; a share that does not answer takes longer."""

T = TypeVar("T")
Check = Callable[[], None]
"""Raises `Stopped` where the work is no longer wanted; long work calls it with every piece."""
_waiting: Set[str] = set()


async def read_in_time(do: Callable[[], T], path: str, seconds: Optional[float] = None) -> T:
    """Return what `do` reads, in a thread; stdin (`-`) has no limit. Raises `TimedOut`, and what `do` raises."""
    limit = None if path == "-" else SECONDS if seconds is None else seconds
    try:
        return await asyncio.wait_for(begun(do, "read-file"), limit)
    except TimeoutError:
        raise _late(path, f"within {limit:g} s") from None


class Stopped(Exception):
    """The caller of the work was cancelled; the work itself alone sees it."""


def unchecked() -> None:
    """Return at once: for work that is never stopped."""


def begun(do: Callable[[], T], name: str) -> "asyncio.Future[T]":
    """Begin `do` in a daemon thread, which does not delay the end of the process; return what it will return."""
    loop = asyncio.get_running_loop()
    answer: "asyncio.Future[T]" = loop.create_future()

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


async def in_thread(work: Callable[[Check], T]) -> T:
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


def _taken(running: "asyncio.Future[Any]") -> None:
    """Take its error, if any: asyncio reports an error that is never taken."""
    if not running.cancelled():
        running.exception()


def glance(do: Callable[[], T], path: str) -> T:
    """Return what `do` finds at a path, without waiting for one that does not answer.

    While a path does not answer, further looks at it fail at once. Raises `TimedOut`, and what `do` raises.
    """
    if path in _waiting or len(_waiting) >= MOST:
        raise _late(path)
    results: List[T] = []
    errors: Dict[str, BaseException] = {}

    def run() -> None:
        try:
            results.append(do())
        except BaseException as error:
            errors["error"] = error
        finally:
            _waiting.discard(path)

    _waiting.add(path)
    thread = threading.Thread(target=run, name="look-at-path", daemon=True)
    thread.start()
    thread.join(GLANCE)
    if errors:
        raise errors["error"]
    if not results:
        raise _late(path)
    return results[0]


def _late(path: str, limit: str = "") -> TimedOut:
    message = f"{clean(path, 200)} does not answer{' ' + limit if limit else ''}."
    return TimedOut(message, "Check that its disk or share is there, or name a file on this machine.", "SlowFile")
