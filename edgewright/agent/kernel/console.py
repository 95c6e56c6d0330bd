"""Lines on the host's console, and milestones of a start for a user or a program that reads the serial line.

One line is one write where the console takes it, so that a screen drawn on it does not fall into its middle.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Callable

from edgewright.core.text import clean

CONSOLE = "/dev/console"
Announce = Callable[[str], None]


def milestone(text: str, console: str = CONSOLE) -> None:
    """Write `edgewright: TEXT` on the console and to the journal; never fails."""
    line = "edgewright: " + clean(text, 1000)
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # it has no reader there; the console still does
    write_console(console, line)


def write_console(console: str, line: str, patience: float = 2.0) -> None:
    """Write one line on a console; never fails, and waits `patience` seconds at most for one that is full.

    A serial line takes some thousand characters a second, so that a screen drawn on it fills its buffer for a moment;
    a console without a reader blocks for ever.
    """
    flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(console, flags | (0 if console.startswith("/dev/") else os.O_CREAT | os.O_APPEND))
    except OSError:
        return  # a host without a console
    left = ("\r\n" + line + "\r\n").encode()
    deadline = time.monotonic() + patience
    try:
        while left and time.monotonic() < deadline:
            try:
                left = left[os.write(handle, left) :]
            except BlockingIOError:
                time.sleep(0.02)
    except OSError:
        return  # a console that takes nothing
    finally:
        os.close(handle)
