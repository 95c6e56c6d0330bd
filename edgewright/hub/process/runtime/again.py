"""The hub starts itself again in place: the same process, command line and socket, with all memory loaded afresh.

It does so when it can no longer follow the change log of its database: it was paused for longer than the log reaches,
or the database was set back to a backup. Connections that come meanwhile wait at the socket, which stays open.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

log = logging.getLogger("edgewright.hub")
VARIABLE: Final = "EDGEWRIGHT_HUB_SOCKET"
"""The number of the listening socket that a hub leaves to itself."""
_ONCE: Final = "--new-"
"""Begin of the options that change something once (keys, lineage): they are not repeated."""


class Again:
    """What starts this process again once it has ended in good order."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._number: int | None = None
        self.end: Callable[[], None] = lambda: None
        """Begins the orderly end."""

    @property
    def asked(self) -> bool:
        """Return whether the process is to start again."""
        return self._number is not None

    def ask(self) -> None:
        """End this process in good order, then start it again."""
        if self._number is None:
            self._number = os.dup(self._sock.fileno())
            os.set_inheritable(self._number, True)
            log.warning("this hub starts again, to load everything from its database")
            self.end()

    def cancel(self) -> None:
        """Only end: a signal asked for that meanwhile."""
        if self._number is not None:
            os.close(self._number)
            self._number = None

    def run(self) -> NoReturn:
        """Replace this process by a new one of the same command line."""
        logging.shutdown()
        sys.stdout.flush()
        environment = {**os.environ, VARIABLE: str(self._number)}
        os.execve(sys.executable, repeated(sys.orig_argv), environment)  # noqa: S606 - this very program


def repeated(command: Sequence[str]) -> list[str]:
    """Return the command line of the next start: by the interpreter's full path, without what is done once."""
    return [sys.executable, *(word for word in command[1:] if not word.startswith(_ONCE))]


def inherited() -> socket.socket | None:
    """Return the listening socket that this process left to itself; `None` at an ordinary start."""
    text = os.environ.pop(VARIABLE, "")
    if not text.isdigit():
        return None
    sock = socket.socket(fileno=int(text))
    os.set_inheritable(sock.fileno(), False)
    sock.setblocking(False)
    return sock
