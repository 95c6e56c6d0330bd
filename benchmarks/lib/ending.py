"""How a benchmark ends: with all that it started, also when a signal ends it early."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a program from outside; by itself Python leaves at the last two at once, and no `finally` runs."""


def run_main(main: Callable[[], object]) -> NoReturn:
    """Run a benchmark and leave with what it returns; a signal unwinds it, so that it ends its servers and folders.

    What is ignored stays so: `nohup` lets a benchmark outlive its terminal.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    raise SystemExit(main())


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # a second one would leave behind what the first one ends
    raise SystemExit(128 + number)
