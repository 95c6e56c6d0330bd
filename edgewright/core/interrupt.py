"""Signals for programs that end on Ctrl-C: they clean up when a supervisor or a closed window ends them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def terminated_is_interrupted() -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into a `KeyboardInterrupt`, or a cancelled task, while the block runs.

    A shell without job control starts a background program with SIGINT ignored; Python installs no handler then, and
    SIGTERM, which is passed on as SIGINT, would be ignored with it. Who sends SIGINT to such a program wants its end.
    Works in the main thread only. A SIGHUP that is ignored already (`nohup`) stays ignored.
    """
    before = {}
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _pass_on)
    except ValueError:  # not the main thread: whoever has it ends it
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pass_on(number: int, frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)
