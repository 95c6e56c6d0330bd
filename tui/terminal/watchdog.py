"""The console ends when its terminal is closed, or a signal or a key asks for it, also when its loop no longer runs.

A thread of its own waits for signals (through the wake-up descriptor, which the interpreter's C handler writes) and for
the hang-up of the terminal (`POLLHUP` without reading, so that no key is lost). It first asks the app to leave. If the
process is still there `PATIENCE` seconds later, the thread restores the terminal, ends what must not outlive the
console and calls `os._exit`. Should even this thread not get to run, a timer of the kernel ends the process.

What counts: SIGHUP, SIGTERM, a second SIGINT, and a terminal that hung up (a closed window, a lost SSH session, a tmux
that was killed; without a controlling terminal the kernel sends no signal for it). A signal that comes `AGAIN` seconds
or more after the first one ends the process at once. Leaving by a key has `BY_KEY` seconds until the app has ended: it
waits for its threads, and one may be blocked, e.g. in a read from a share that is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

PATIENCE = 3.0
"""Seconds that an orderly end may take."""
BY_KEY = 10.0
"""Seconds that the app may take to end when it is left by a key; what is closed after that is not limited."""
AGAIN = 0.5
"""Seconds after which a further signal is a second one; a closed window causes several at once."""
INTERRUPT_AGAIN = 10.0
"""Seconds within which a second SIGINT ends the console."""
RESTORE_TIME, LAST_TIME = 0.3, 1.2
"""Seconds for the terminal's modes, and for what must not outlive the console."""
TIMER = PATIENCE + RESTORE_TIME + LAST_TIME + 0.3
"""Seconds after which the kernel ends a process in which no thread of Python runs."""
SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
MODES_OFF = (
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?2048l\x1b[?1004l\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\r"
)
"""What the toolkit's driver writes when it gives the terminal back."""
STOPPED = "The console did not respond and was stopped.\r\n"


class Watchdog:
    """Ends the process; use it as a context manager in the main thread, around everything that may have to end."""

    def __init__(
        self,
        last: Callable[[], object] = lambda: None,
        *,
        patience: float = PATIENCE,
        by_key: float = BY_KEY,
        terminal: int = 0,
        output: int = 2,
        end: Callable[[int], Any] = os._exit,
    ) -> None:
        """Make it; `last` ends what must not outlive the console and is called only when the orderly end failed."""
        self._last = last
        self._patience = patience
        self._by_key = by_key
        self._left_at: float | None = None
        self._terminal = terminal
        self._output = output
        self._end = end
        self._restore: Callable[[], str] = str
        self._ended = False
        self._attributes: list[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: Callable[[int], object] | None = None
        self._interrupt: Callable[[], object] | None = None
        self._deaf: Callable[[], object] | None = None
        self._asked_at: float | None = None
        self._interrupted_at: float | None = None
        self._timed = False
        self._before: dict[int, Any] = {}
        self._thread: threading.Thread | None = None
        self.lent = False
        """Whether another program has the terminal: Ctrl-C is for that program alone, which is in the same group."""
        self.lent_interrupt: Callable[[], object] | None = None
        """What the event loop calls at the first Ctrl-C while the terminal is lent to work of this process."""
        self.code = 0
        """Exit code that was asked for: 128 and the number of the signal, 0 while nothing asked."""

    # Begin and end ------------------------------------------------------------------------------------------------

    def __enter__(self) -> Watchdog:
        """Take over the signals and start to watch."""
        with contextlib.suppress(termios.error, OSError):
            self._attributes = termios.tcgetattr(self._terminal)
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # SIGHUP ignored: by nohup
                self._before[number] = signal.signal(number, self._signalled)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back: the orderly end is done."""
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
        os.close(self._write)  # the thread sees the end of the pipe
        if self._thread is not None:
            self._thread.join()
        os.close(self._read)

    def lead(
        self,
        leave: Callable[[int], object],
        interrupt: Callable[[], object],
        deaf: Callable[[], object] = lambda: None,
        restore: Callable[[], str] = str,
    ) -> None:
        """Name what the running event loop does: `leave(code)`, `interrupt()` at the first SIGINT.

        `deaf()` is called from the watching thread when the terminal is closed: nothing may read from it any more.
        What `restore()` returns is written before the modes are switched off.
        """
        self._loop = asyncio.get_running_loop()
        self._leave, self._interrupt, self._deaf = leave, interrupt, deaf
        self._restore = restore
        if self.code:
            leave(self.code)

    def leaving(self) -> None:
        """Note that the app was asked to leave by a key; without `left` in time the process ends with code 1."""
        if self._left_at is None:
            self._left_at = time.monotonic()
            with contextlib.suppress(OSError):
                os.write(self._write, b"\0")  # the thread waits from now on; a zero is not a signal

    def left(self) -> None:
        """Note that the app has ended."""
        self._left_at = None

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        """Set the kernel's timer; everything else is done by the thread, which sees the number in the pipe."""
        if number != signal.SIGINT:
            self._set_timer()

    def _set_timer(self) -> None:
        """Let the kernel end the process (SIGALRM) after `TIMER` seconds, unless a timer is set already."""
        if not signal.getitimer(signal.ITIMER_REAL)[0]:
            self._timed = True
            signal.setitimer(signal.ITIMER_REAL, TIMER)

    # The thread ---------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU, *SIGNALS})  # a background job may set modes, too
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        if os.isatty(self._terminal):
            poll.register(self._terminal, 0)
        while True:
            for descriptor, events in poll.poll(self._wait()):
                if descriptor == self._terminal:
                    poll.unregister(self._terminal)
                    if events & (select.POLLHUP | select.POLLERR):
                        self._terminal_closed()
                    continue
                numbers = os.read(self._read, 256)
                if not numbers:
                    return
                for number in numbers:
                    self._signal(number)
            if (ends := self._ends()) is not None and time.monotonic() >= ends:
                self.code = self.code or 1
                self._finish()
                return

    def _wait(self) -> float | None:
        """Return how long to wait for something to happen, milliseconds; None for as long as it takes."""
        ends = self._ends()
        return None if ends is None else max(ends - time.monotonic(), 0.0) * 1000 + 1

    def _ends(self) -> float | None:
        """Return when the process is ended unless it has ended itself; None while nothing asked for that."""
        if self._asked_at is not None:
            return self._asked_at + self._patience
        left_at = self._left_at
        return None if left_at is None else left_at + self._by_key

    def _terminal_closed(self) -> None:
        self._ended = True
        if self._deaf is not None:
            with contextlib.suppress(Exception):
                self._deaf()
        self._ask(128 + signal.SIGHUP)

    def _signal(self, number: int) -> None:
        if number not in self._before:
            return  # of the toolkit: a new size, a child that ended
        if number == signal.SIGINT and self.lent:
            interrupt, self.lent_interrupt = self.lent_interrupt, None
            self._call(interrupt)
            return
        now = time.monotonic()
        if self._asked_at is not None:
            if number != signal.SIGHUP and now - self._asked_at >= AGAIN:
                self._finish()
            return
        left_at = self._left_at
        if number == signal.SIGINT and left_at is not None:  # on its way out the app can answer nothing any more
            if now - left_at >= AGAIN:
                self.code = 128 + number
                self._finish()
            return
        again = self._interrupted_at is not None and now - self._interrupted_at < INTERRUPT_AGAIN
        if number != signal.SIGINT or again:
            self._ask(128 + number)
        else:
            self._interrupted_at = now
            self._call(self._interrupt)

    def _ask(self, code: int) -> None:
        if self._asked_at is None:
            self._asked_at, self.code = time.monotonic(), code
            self._set_timer()
            self._call(self._leave, code)

    def _call(self, function: Callable[..., object] | None, *values: int) -> None:
        if function is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the end has begun
                self._loop.call_soon_threadsafe(function, *values)

    def _finish(self) -> None:
        """End the process although its main thread does not."""
        _within(RESTORE_TIME, self._give_back)
        _within(LAST_TIME, self._last)
        self._end(self.code)

    def _give_back(self) -> None:
        if self._ended:
            return
        if self._attributes is not None:
            with contextlib.suppress(termios.error, OSError):
                termios.tcsetattr(self._terminal, termios.TCSANOW, self._attributes)
        with contextlib.suppress(OSError):
            os.write(self._output, (self._restore() + MODES_OFF + STOPPED).encode())


def _within(seconds: float, function: Callable[[], object]) -> None:
    """Run `function` for `seconds` at most: a terminal that takes nothing blocks a write for ever."""

    def run() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU, *SIGNALS})
        try:
            function()
        except Exception as error:
            sys.stderr.write(f"{error}\n")

    thread = threading.Thread(target=run, name="watchdog-last", daemon=True)
    thread.start()
    thread.join(seconds)
