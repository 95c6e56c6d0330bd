"""A thin link: runs a program in a terminal of its own and passes what it writes on slowly and late.

slow_relay.py BYTES_PER_SECOND DELAY COMMAND...
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import sys
import termios
import time
import tty
from collections import deque

STEP = 0.05
"""Seconds between two pieces that are passed on."""


class Link:
    """Bytes on their way: each piece arrives `delay` seconds after it was read, at most `rate` bytes a second."""

    def __init__(self, rate: int, delay: float) -> None:
        self.piece = max(int(rate * STEP), 1)
        self.delay = delay
        self.way: deque[tuple[float, bytes]] = deque()

    def take(self, descriptor: int, now: float) -> None:
        """Read one piece; raises `OSError` at the end."""
        data = os.read(descriptor, self.piece)
        if not data:
            raise OSError("end")
        self.way.append((now + self.delay, data))

    def arrived(self, now: float) -> bytes:
        """Return the next piece that has arrived, empty if none has."""
        return self.way.popleft()[1] if self.way and self.way[0][0] <= now else b""


def main() -> None:
    rate, delay, command = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
    pid, inner = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.execvp(command[0], command)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    tty.setraw(0)
    link = Link(rate, delay)
    try:
        while True:
            ready, _, _ = select.select([0], [], [], STEP)
            if ready:
                os.write(inner, os.read(0, 1024) or sys.exit())
            if select.select([inner], [], [], 0)[0]:
                link.take(inner, time.monotonic())
            piece = link.arrived(time.monotonic())
            while piece:
                os.write(1, piece)
                piece = link.arrived(time.monotonic())
    except OSError:
        return


if __name__ == "__main__":
    main()
