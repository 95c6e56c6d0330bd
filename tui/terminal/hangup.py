"""Leaving in order when the terminal goes away or the process is told to end, so that nothing of ours stays behind."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGHUP, signal.SIGTERM)


def leave_when_told(leave: Callable[[int], object]) -> None:
    """Call `leave` with the exit code (128 and the signal's number) at the first signal; a second one ends at once.

    Without this a closed window would leave the hub and the hosts of a demo running.
    """

    def told(number: int, _frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        leave(128 + number)

    for each in SIGNALS:
        signal.signal(each, told)
