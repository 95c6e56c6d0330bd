"""A program in a real pty: send keys, wait for bytes, count them."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child: that of this process, the modules of this tree, and `extra`."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(extra or {})}


class Term:
    """A child process with a terminal of its own."""

    def __init__(
        self, argv: Sequence[str], columns: int = 160, lines: int = 50, environ: Mapping[str, str] | None = None
    ) -> None:
        """Start the program; `started` is when, by the monotonic clock."""
        self.raw = b""
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.environ.pop("NO_COLOR", None)
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ.update(environment(environ))
            os.execvp(argv[0], list(argv))

    def pump(self, timeout: float = 0.01) -> bytes:
        """Read what is there, waiting at most `timeout` seconds; the terminal's questions are not answered."""
        ready, _, _ = select.select([self.fd], [], [], timeout)
        if not ready:
            return b""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return b""
        self.raw += data
        return data

    def wait_for(self, mark: bytes, timeout: float = 60.0, since: int = 0) -> float:
        """Wait until `mark` was written after position `since`; return when, by the monotonic clock."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if mark in self.raw[since:]:
                return time.monotonic()
            self.pump(0.002)
        tail = self.raw[-600:].decode("utf-8", "replace")
        raise TimeoutError(f"{mark!r} was not seen in {timeout} s; the end was {tail!r}")

    def quiet(self, pause: float = 0.6, timeout: float = 30.0) -> None:
        """Wait until nothing was written for `pause` seconds."""
        end = time.monotonic() + timeout
        last = time.monotonic()
        while time.monotonic() - last < pause and time.monotonic() < end:
            if self.pump(0.02):
                last = time.monotonic()

    def send(self, keys: bytes) -> None:
        """Type."""
        os.write(self.fd, keys)

    def signal(self, number: int) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def close(self) -> None:
        """End the program."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def child(name: str, *args: str) -> list[str]:
    """Return the command line of one of the programs in `benchmarks/lib`."""
    return [sys.executable, "-P", str(ROOT / "benchmarks" / "lib" / name), *args]


def ratio(label: str, value: float, floor: float, unit: str, aim: float | None = None) -> bool:
    """Print one figure against its floor or peer; return whether the aim is met."""
    got = value / floor if floor else float("inf")
    met = aim is None or got <= aim
    told = "" if aim is None else f"   aim <= {aim:g}   {'met' if met else 'MISSED'}"
    print(f"{label}: {value:.4g} {unit} against {floor:.4g} {unit} = {got:.2f} x{told}")
    return met
