"""The loop of the console: look at the box, draw, take keys; a login prompt takes the terminal over when asked for."""

from __future__ import annotations

import os
import time
from typing import Dict, Optional, Sequence, Tuple

from edgewright.agent.appliance import boot
from edgewright.agent.appliance.console.actions import BoxActions
from edgewright.agent.appliance.console.facts import code_lines, gather
from edgewright.agent.appliance.console.session import Session
from edgewright.agent.appliance.console.terminal import Terminal
from edgewright.agent.appliance.runner import Runner

LOOK = 3.0
"""Seconds between two looks at the box."""
REDRAW = 30.0
"""Seconds until everything is drawn again: the kernel writes on the same screen."""
AGETTY = "/sbin/agetty"


def run_console(terminal: str) -> int:
    """Show the console on standard input and output until the terminal goes or a login is asked for."""
    runner = Runner()
    runner.succeeds(["dmesg", "--console-level", "3"], seconds=10)
    codes: Dict[Tuple[str, int, int], Optional[Sequence[str]]] = {}

    def code(url: str, width: int, height: int) -> Optional[Sequence[str]]:
        key = (url, width, height)
        if key not in codes:
            codes[key] = code_lines(runner, url, width, height)
        return codes[key]

    session = Session(BoxActions(runner, lambda: boot.read_configuration(lambda sentence: None)), time.monotonic, code)
    with Terminal() as screen:
        if not _loop(session, screen, runner):
            return 0
    _log_in(terminal)
    return 0


def _loop(session: Session, screen: Terminal, runner: Runner) -> bool:
    """Return True when a login prompt is asked for, False when the terminal is closed."""
    looked = drawn = -REDRAW
    while True:
        now = time.monotonic()
        if now - looked >= LOOK:
            session.tick(gather(runner))
            looked = now
        complete = now - drawn >= REDRAW
        screen.show(session.lines(*screen.size()), complete)
        if complete:
            drawn = now
        try:
            keys = screen.keys(1.0)
        except (EOFError, OSError):
            return False
        for key in keys:
            if key == "redraw":
                drawn = -REDRAW
            elif session.press(key) == "login":
                return True


def _log_in(terminal: str) -> None:
    """Let agetty ask who it is; the unit brings the console back when the operator logs out."""
    name = (terminal or os.ttyname(0)).replace("/dev/", "", 1)
    kind = "linux" if name.startswith("tty") and name[3:].isdigit() else "vt220"
    os.execv(AGETTY, [AGETTY, "--noclear", "--keep-baud", "115200", name, kind])  # noqa: S606 - it takes our place
