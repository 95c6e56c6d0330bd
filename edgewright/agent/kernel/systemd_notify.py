"""Signals and waiting: a clean stop at any moment, and signs of life to systemd.

SIGTERM and SIGINT raise `Stopped` inside a section that may be interrupted (a wait, a call over the network), and only
there: a write of state is never cut in the middle. SIGHUP ends the present wait, so that the agent tries again at once.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from contextlib import contextmanager
from typing import Any, Iterator, Optional

WATCH = 60.0
"""Seconds of one stretch of a wait at most; after each, systemd's watchdog is notified."""


class Stopped(BaseException):
    """The agent was asked to stop."""


class _Nudged(BaseException):
    """The present wait is over."""


class Notifier:
    """Knows whether the agent is to stop, waits, and notifies systemd."""

    def __init__(self) -> None:
        self.stopping = False
        self._may_interrupt = False
        self._waiting = False
        self._nudged = False
        self._address = os.environ.get("NOTIFY_SOCKET", "")

    def listen(self) -> None:
        """Take over SIGTERM, SIGINT and SIGHUP (main thread only)."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._nudge)

    def _stop(self, number: int, frame: Any) -> None:
        self.stopping = True
        if self._may_interrupt:
            self._may_interrupt = False
            raise Stopped

    def _nudge(self, number: int, frame: Any) -> None:
        self._nudged = True
        if self._waiting:
            self._waiting = False
            raise _Nudged

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal break off what runs inside. Raises `Stopped`."""
        self._may_interrupt = True
        try:
            if self.stopping:
                raise Stopped
            yield
        finally:
            self._may_interrupt = False

    def wait(self, seconds: float, link: Optional[socket.socket] = None) -> bool:
        """Sleep, in stretches short enough for the watchdog; return whether SIGHUP ended it. Raises `Stopped`.

        It also ends when something arrives on `link`.
        """
        end = time.monotonic() + seconds
        while True:
            self.notify("WATCHDOG=1")
            left = end - time.monotonic()
            if left <= 0:
                return False
            try:
                with self.interruptible():
                    self._waiting = True
                    if self._nudged:
                        self._nudged = False
                        return True
                    # not time.sleep: that asks the kernel for a moment, which libfaketime moves along with the clock
                    if select.select((() if link is None else (link,)), (), (), min(left, WATCH))[0]:
                        return False
            except _Nudged:
                self._nudged = False
                return True
            finally:
                self._waiting = False

    def notify(self, message: str) -> None:
        """Send a line to systemd's notification socket, if this is a service."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.sendto(message.encode(), address)
        except OSError:
            self._address = ""  # no listener there
