"""The output side of the terminal: what it can, whether what was written has left, and a short way to it.

Private Textual API (8.2.8): the driver's `_writer_thread`, its `_queue` and its `_file`.
"""

from __future__ import annotations

import array
import fcntl
import os
import termios
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tui.terminal.paint.cell_writer import Abilities

if TYPE_CHECKING:
    from textual.driver import Driver

POLL = 0.05
"""Seconds until the output is looked at again."""
QUEUED = 3
"""Frames in the queue of the thread that writes from which the next one waits: one or two are on their way to it."""
BACKLOG = 4096
"""Bytes in the terminal's own output queue from which a frame waits: a serial line."""
REPEAT_PROBE, ASCII_PROBE = "\x1b[2H─\x1b[2b", "\x1b[2Hx\x1b[2b"
"""Draws one cell, or three where REP is known; the cursor's column shows which. The first frame is drawn over it.

tmux repeats ASCII characters alone, so that the probe is a line where lines will be drawn.
"""
REPEATED = 3
_BARE = ("vt100", "vt102", "vt220", "ansi", "cons25")
_NO_ERASE = ("screen",)
"""GNU screen erases with the default background and has no ECH; tmux, which does both, may also go by this name."""


def abilities(environ: Mapping[str, str]) -> Abilities:
    """Return what the terminal named by `TERM` can; REP is found out by a probe."""
    term = environ.get("TERM", "")
    plain = term in _BARE or term.split("-")[0].split(".")[0] in _NO_ERASE
    return Abilities(colour_erase=not plain, erase_cells=not plain)


def wait(driver: Driver) -> float:
    """Return the seconds after which to look again: 0 when nearly everything written has gone to the terminal."""
    thread: Any = getattr(driver, "_writer_thread", None)
    if thread is None:
        return 0.0
    if not thread.is_alive() or thread._queue.qsize() >= QUEUED:
        return POLL
    return POLL if _queued(driver) > BACKLOG else 0.0


def _queued(driver: Driver) -> int:
    """Return the bytes in the kernel's output queue of the terminal, as far as it is known."""
    handle = getattr(driver, "fileno", None)
    if not isinstance(handle, int):
        return 0
    count = array.array("i", [0])
    try:
        fcntl.ioctl(handle, termios.TIOCOUTQ, count)
    except (OSError, ValueError):
        return 0
    return count[0]


class ShortWay:
    """Writes to the terminal from the event loop as long as the terminal takes it at once.

    To wake the thread that writes costs as much time as to compute the frame of a key. The terminal is opened once
    more, so that a write may return early without a change of what the shell and others have open. A terminal that
    does not take all of it (a slow line, ctrl+s) leaves the rest to the thread; nothing waits here.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._handle: int | None = None
        self._tried = False

    def write(self, text: str) -> tuple[str, bool]:
        """Return what is left for the thread, and whether a character was cut: then the terminal shows it wrongly."""
        thread: Any = getattr(self._driver, "_writer_thread", None)
        if thread is None or not _idle(thread):
            return text, False
        if not self._tried:
            self._open(thread)
        if self._handle is None:
            return text, False
        file = thread._file
        data = text.encode(file.encoding, file.errors)
        try:
            done = os.write(self._handle, data)
        except BlockingIOError:
            return text, False
        except OSError:
            self.close()
            return text, False
        if done == len(data):
            return "", False
        rest = data[done:].decode(file.encoding, "replace")
        return rest.lstrip("\ufffd"), rest.startswith("\ufffd")

    def _open(self, thread: Any) -> None:
        self._tried = True
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        with suppress(OSError):  # no terminal, or one of another user (su): the thread writes all
            self._handle = os.open(os.ttyname(thread.fileno()), flags)

    def close(self) -> None:
        """Leave everything to the thread from now on."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _idle(thread: Any) -> bool:
    """Return whether the thread has written all it was given: it waits for more."""
    queue = thread._queue
    return thread.is_alive() and not queue.qsize() and bool(queue.not_empty._waiters)
