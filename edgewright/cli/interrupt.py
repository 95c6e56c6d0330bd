"""SIGTERM and SIGHUP for programs that end on Ctrl-C: they clean up when a supervisor or a closed window ends them."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


def _interrupt(number: int, frame: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def terminated_is_interrupted() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SIGINT while the block runs: a `KeyboardInterrupt`, or a cancelled task.

    Works in the main thread only. A SIGHUP that is ignored already (`nohup`) stays ignored; an ignored SIGINT (a job in
    the background of a shell) does not keep SIGTERM from ending the program.
    """
    before = {}
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _interrupt)
    except ValueError:  # not the main thread: whoever has it ends it
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
