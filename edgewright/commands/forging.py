"""How a verb does long work of the forge: in a thread, told line by line, stopped by Ctrl-C with nothing half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from edgewright.forge.progress import Job, Progress, Sink

Result = TypeVar("Result")
LISTENER: ContextVar[Sink | None] = ContextVar("listener", default=None)
"""What gets the progress of every verb's work besides: the record of a build that runs in the background."""


async def work(
    do: Callable[[Job], Result], report: Callable[[str], None], *, every: float = 1.0, sink: Sink | None = None
) -> Result:
    """Run `do(job)` in a thread and return what it returns; each new step and, every `every` seconds, where it is.

    `sink` (else `LISTENER`) gets the same as values, in that thread. A cancelled task (Ctrl-C) cancels the job and
    waits until the thread has cleaned up. Raises what `do` raises.
    """
    last, listener = "", sink or LISTENER.get()

    def tell(progress: Progress) -> None:
        nonlocal last
        if listener is not None:
            listener(progress)
        line = str(progress)
        if line != last:
            last = line
            report(line)

    job = Job(tell, every=every)
    running = asyncio.ensure_future(asyncio.to_thread(do, job))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        job.cancel()
        await asyncio.wait([running])
        running.exception()  # taken: the person stopped it, what it then says is no news
        raise
