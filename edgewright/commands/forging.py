"""How a verb does long work of the forge: in a thread, told line by line, stopped by Ctrl-C with nothing half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from edgewright.forge.progress import Job, Progress, Sink

Result = TypeVar("Result")


async def work(
    do: Callable[[Job], Result], report: Callable[[str], None], *, every: float = 1.0, sink: Sink | None = None
) -> Result:
    """Run `do(job)` in a thread and return what it returns; each new step and, every `every` seconds, where it is.

    `sink` gets the same as values, in that thread. A cancelled task (Ctrl-C) cancels the job and waits until the thread
    has cleaned up. Raises what `do` raises.
    """
    last = ""

    def tell(progress: Progress) -> None:
        nonlocal last
        if sink is not None:
            sink(progress)
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
