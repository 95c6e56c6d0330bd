"""Ctrl-C while hosts work: the first one lets no further host begin, the second one ends all."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Protocol


class CanStop(Protocol):
    """Work on many hosts. `interrupted`: whether the user stopped it."""

    interrupted: bool

    @property
    def is_stopping(self) -> bool:
        """Whether no further host begins."""
        raise NotImplementedError

    def no_more(self, why: str = ...) -> None:
        """Let no further host begin."""
        raise NotImplementedError

    def end_all(self) -> None:
        """End what runs."""
        raise NotImplementedError


ENDING = "Ending the commands that run; Ctrl-C again does not wait for them."


@contextlib.contextmanager
def interrupts(run: CanStop, report: Callable[[str], None], ending: str = ENDING) -> Iterator[None]:
    """Handle SIGINT so while the block runs; only in the main thread, and not where it is ignored.

    `ending` is what is reported of the second one.
    """
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
            report(ending)

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
