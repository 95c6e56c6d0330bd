"""How a verb does long work of the forge: in a thread, reported line by line, stopped with nothing partial left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from edgewright.core.errors import Cancelled
from edgewright.forge.progress import Job, Progress, Sink

Result = TypeVar("Result")
LISTENER: ContextVar[Sink | None] = ContextVar("listener", default=None)
"""What gets the progress of every verb's work besides: the record of a build that runs in the background."""


async def work(
    do: Callable[[Job], Result], report: Callable[[str], None], *, every: float = 1.0, sink: Sink | None = None
) -> Result:
    """Run `do(job)` in a thread and return what it returns; each new step and, every `every` seconds, where it is.

    `sink` (else `LISTENER`) gets the same as values, in that thread. A cancelled task (Ctrl-C, SIGTERM) cancels the job
    and waits until the thread has cleaned up, also when it is cancelled again. The result of the thread then counts:
    `Cancelled` or a more exact form of it (a disk that is half written, what could not be deleted), or its result, if
    it was done before the cancellation arrived. Raises what `do` raises.
    """
    last, listener = "", sink or LISTENER.get()

    def show(progress: Progress) -> None:
        nonlocal last
        if listener is not None:
            listener(progress)
        line = str(progress)
        if line != last:
            last = line
            report(line)

    job = Job(show, every=every)
    running = asyncio.ensure_future(asyncio.to_thread(do, job))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        job.cancel()
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        error = running.exception()
        if error is None:
            return running.result()
        if isinstance(error, Cancelled):
            raise error from None
        raise Cancelled from None  # it failed on its way out; that it was stopped is what counts
