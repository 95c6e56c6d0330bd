"""Waiting until a large body has left this host, before its answer is waited for.

The kernel takes 100 KB at once and sends them for minutes over a thin link; an answer cannot come before, so that time
is not the plane's.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
import time

SMALL = 4_096
"""Bytes of a body that any link carries within the time that an answer has."""
GRACE = 20.0
"""Seconds in which some of the body must leave (P4)."""
LEAST_RATE = 256.0
"""Bytes a second that must leave on average once `GRACE` is over."""
MAX_SECONDS = 120.0
"""Seconds that a body may take at most."""
_LOOK = 0.1


def wait_sent(link: socket.socket, size: int, grace: float = GRACE) -> None:
    """Return when the peer has acknowledged a body of `size` bytes, or when that makes no progress any more."""
    began = moved = time.monotonic()
    left = first = _unsent(link)
    while left and size > SMALL:
        time.sleep(_LOOK)
        now, before, left = time.monotonic(), left, _unsent(link)
        if left < before:
            moved = now
        too_slow = now - began > grace + (first - left) / LEAST_RATE
        if now - moved > grace or too_slow or now - began > MAX_SECONDS:
            return


def _unsent(link: socket.socket) -> int:
    """Return the bytes that the kernel has not sent or that were not acknowledged yet; 0 when it does not report it."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(link.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0])
    except OSError:
        return 0
