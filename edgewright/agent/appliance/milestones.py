"""The lines that tell a person, and a program that watches the serial console, how far the box is.

One line is one write where the console takes it, so that a screen drawn on it does not fall into its middle.
"""

from __future__ import annotations

import sys
from typing import Callable

from edgewright.agent.kernel.voice import write_console
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
    write_console(console, line)
