"""The lines that tell a person, and a program that watches the serial console, how far the box is.

One line is one write, so that a screen which is drawn on the same console cannot fall into the middle of it.
"""

from __future__ import annotations

import os
import sys
from typing import Callable

from edgewright.core.text import clean

CONSOLE = "/dev/console"
Tell = Callable[[str], None]


def milestone(text: str, console: str = CONSOLE) -> None:
    """Write `edgewright: TEXT` on the console and to the journal; never fails."""
    line = "edgewright: " + clean(text, 1000)
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody reads it there; the console still does
    try:
        handle = os.open(console, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # a box without a console
    try:
        os.write(handle, ("\r\n" + line + "\r\n").encode())
    except OSError:
        pass  # a console that takes nothing now
    finally:
        os.close(handle)
