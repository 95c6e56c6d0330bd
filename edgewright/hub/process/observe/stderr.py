"""The log on stderr, written by a thread of its own: a reader that stops to read costs lines, not the service.

A container runtime or a journal that is behind stops to read the pipe. Once that is full a write blocks whoever writes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque

MOST = 2_000
"""Lines that wait to be written; further ones are counted."""
END_WITHIN = 1.0
"""Seconds at the end of the program for the lines that wait."""


class StderrHandler(logging.Handler):
    """Writes lines to a file descriptor and never waits for it."""

    def __init__(self, descriptor: int = 2) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._waiting: deque[str] = deque()
        self._lost = 0
        self._change = threading.Condition()
        self._writing = False
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line, or count it."""
        line = self.format(record)
        with self._change:
            if len(self._waiting) >= MOST:
                self._lost += 1
                return
            self._waiting.append(line)
            self._change.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stderr", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Wait a moment for the lines that wait."""
        with self._change:
            self._change.wait_for(lambda: not self._waiting and not self._writing, END_WITHIN)
        super().close()

    def _run(self) -> None:
        while True:
            with self._change:
                self._writing = False
                self._change.notify_all()
                self._change.wait_for(lambda: bool(self._waiting))
                lines, lost = list(self._waiting), self._lost
                self._waiting.clear()
                self._lost, self._writing = 0, True
            if lost:
                lines.append(self._dropped(lost))
            with contextlib.suppress(OSError):  # it is closed
                for line in lines:
                    _write(self._descriptor, (line + "\n").encode())

    def _dropped(self, lost: int) -> str:
        text = f"{lost} lines are missing here: stderr was not read; they are in hub.log"
        return self.format(logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, None, None))


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
