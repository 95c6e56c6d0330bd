"""Ctrl-C while hosts work: the first one lets no further host begin, the second one ends all."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from edgewright.commands.site.fleet.fan_out import FanOut


@contextlib.contextmanager
def interrupts(run: FanOut, report: Callable[[str], None]) -> Iterator[None]:
    """Handle SIGINT so while the block runs; only in the main thread, and not where it is ignored."""
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)

    def stop() -> None:
        run.interrupted = True
        if not run.is_stopping:
            run.no_more("you stopped it")
            report("No further host begins; Ctrl-C again ends those that run.")
        else:
            loop.remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, before)
            run.end_all()
            report("Ending the commands that run; Ctrl-C again does not wait for them.")

    if before is signal.SIG_IGN:
        yield
        return
    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, ValueError, RuntimeError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
