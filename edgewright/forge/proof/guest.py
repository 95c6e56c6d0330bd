"""The running machine: QEMU started, its serial console read, ended at any price."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

from edgewright.core.errors import Failed
from edgewright.forge.programs import find, stop

NICENESS = 5
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _before() -> None:
    """In the child: be polite to the machine, and end when whoever started it is killed."""
    os.nice(NICENESS)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Guest:
    """One run of a machine, from power on to its end; as a context manager it is switched off at the end."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Switch it on. Raises `NotFound` when QEMU is not installed, `Failed` when it cannot be started."""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it is switched off)
        try:
            self._process = subprocess.Popen(
                [find(arguments[0]), *arguments[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
                preexec_fn=_before,
            )
        except OSError as error:
            self._errors.close()
            raise Failed(f"{arguments[0]} cannot be started: {error.strerror}.", "Check its installation.") from None
        assert self._process.stdout is not None
        self._out = self._process.stdout
        self._wait = selectors.DefaultSelector()
        self._wait.register(self._out, selectors.EVENT_READ)
        self._ended = False

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self.off()

    @property
    def ended(self) -> bool:
        """Whether the machine is off and all its output was read."""
        return self._ended

    def read(self, patience: float = 0.25) -> bytes:
        """Return what came on the console, `b""` when nothing did within `patience` seconds or it ended."""
        if self._ended or not self._wait.select(patience):
            return b""
        data = os.read(self._out.fileno(), 65536)
        if not data:
            self._process.wait()
            self._ended = True
        return data

    def messages(self) -> list[str]:
        """Return what QEMU itself printed (not the guest), the last lines."""
        try:
            self._errors.seek(0)
            text = self._errors.read(65536).decode("utf-8", "replace")
        except (OSError, ValueError):
            return []
        return [line for line in text.splitlines() if line.strip()][-8:]

    @property
    def code(self) -> int | None:
        """QEMU's exit code, None while it runs."""
        return self._process.poll()

    def off(self) -> None:
        """Switch it off and wait until QEMU ended; more than once does no harm."""
        if self._process.poll() is None:
            stop(self._process, 3.0)
        self._process.wait()
        if not self._out.closed:
            self._wait.close()
            self._out.close()
        self._ended = True
