"""A console in a terminal that can be taken away: by tmux, or by closing a pty; and how long it then still runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pyte

from tests.e2e.terminal.slow_relay import STEP, Link
from tests.support import ROOT

COLUMNS, LINES = 80, 24
RATE, DELAY = 20_000, 0.6
"""Bytes a second and seconds of a slow link."""
TMUX_WAYS = ("tmux kill-window", "tmux kill-server", "tmux kill -9")
PTY_WAYS = ("pty closed", "no controlling tty", "SIGSTOP + close")
WAYS = (*TMUX_WAYS, *PTY_WAYS)
KEYS = {"Enter": b"\r", "Escape": b"\x1b"}


class ConsoleTerminal:
    """A console whose terminal belongs to the test."""

    pid: int
    """Process of the console."""
    way: str

    def press(self, *keys: str) -> None:
        """Type these keys (one character, `Enter` or `Escape`), each in a write of its own."""
        raise NotImplementedError

    def screen(self) -> str:
        """Return the text on the screen."""
        raise NotImplementedError

    def take_away(self) -> None:
        """Take the terminal away."""
        raise NotImplementedError

    def wait(self, *words: str, patience: float = 30.0) -> None:
        """Wait until all words are on the screen, or fail with the screen."""
        deadline = time.monotonic() + patience
        while not all(word in self.screen() for word in words):
            assert time.monotonic() < deadline, f"not on the screen: {words}\n{self.screen()}"
            assert runs(self.pid), f"the console ended before {words}\n{self.screen()}"
            time.sleep(0.05)

    def ended_within(self, patience: float) -> tuple[float, int | None]:
        """Wait for the end; return seconds and exit code (None where another process collects it)."""
        began = time.monotonic()
        while runs(self.pid):
            assert time.monotonic() - began < patience, f"an orphan: {describe(self.pid)}"
            time.sleep(0.01)
        return time.monotonic() - began, self._exit_code()

    def _exit_code(self) -> int | None:
        for _ in range(50):  # it becomes ours when its tmux has ended
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    return os.waitstatus_to_exitcode(status)
            if not Path(f"/proc/{self.pid}").exists():
                return None  # tmux collected it
            time.sleep(0.01)
        return None

    def close(self) -> None:
        """End what is left, whatever happened."""
        if runs(self.pid):
            os.kill(self.pid, signal.SIGKILL)


class InPty(ConsoleTerminal):
    """In a pty of the test; with a slow link the test reads it slowly."""

    def __init__(self, way: str, command: Sequence[str], env: dict[str, str], slow: bool) -> None:
        self.way = way
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        take = "" if way == "no controlling tty" else "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        starter = f"import fcntl, os, sys, termios; {take} os.execvp(sys.argv[1], sys.argv[1:])"
        self._process = subprocess.Popen(
            [sys.executable, "-c", starter, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
        )
        self.pid = self._process.pid
        os.close(slave)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._slowly if slow else self._at_once, daemon=True)
        self._thread.start()

    def _at_once(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                if select.select([self._master], [], [], 0.05)[0]:
                    self._stream.feed(os.read(self._master, 65536))

    def _slowly(self) -> None:
        link = Link(RATE, DELAY)
        with contextlib.suppress(OSError):
            while not self._closing.wait(STEP):
                if select.select([self._master], [], [], 0)[0]:
                    link.take(self._master, time.monotonic())
                while piece := link.arrived(time.monotonic()):
                    self._stream.feed(piece)

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self._master, KEYS.get(key, key.encode()))
            time.sleep(0.03)

    def stall(self) -> None:
        """Read nothing any more, as a terminal whose link hangs."""
        self._closing.set()
        self._thread.join()

    def screen(self) -> str:
        return "\n".join(self._screen.display)

    def take_away(self) -> None:
        if self.way == "SIGSTOP + close":
            os.kill(self.pid, signal.SIGSTOP)
        self._closing.set()
        self._thread.join()  # a read that waits would keep the terminal open
        os.close(self._master)

    def _exit_code(self) -> int | None:
        return self._process.wait(1)

    def close(self) -> None:
        super().close()
        self._process.wait(5)


class InTmux(ConsoleTerminal):
    """In a window of a tmux of its own; with a slow link there is a relay in the window."""

    def __init__(self, way: str, command: Sequence[str], env: dict[str, str], slow: bool) -> None:
        self.way = way
        self._env = {**env, "TERM": "xterm-256color"}
        self._socket = f"gone-{secrets.token_hex(4)}"
        relay = [sys.executable, str(ROOT / "tests/e2e/terminal/slow_relay.py"), str(RATE), str(DELAY)] if slow else []
        words = shlex.join([*relay, *command])
        size = ["-x", str(COLUMNS), "-y", str(LINES)]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-s", "c", *size, f"exec {words}")
        self._tmux("new-window", "-d", "-t", "c:1", "exec sleep 600")  # the server outlives the console's window
        self.server = int(self._tmux("display", "-p", "#{pid}"))
        self.pid = int(self._tmux("display", "-p", "-t", "c:0", "#{pane_pid}"))
        if slow:
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
            deadline = time.monotonic() + 10
            while not children.read_text().split():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            self.pid = int(children.read_text().split()[0])

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words], capture_output=True, text=True, env=self._env, timeout=20, check=True
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        for key in keys:
            self._tmux("send-keys", "-t", "c:0", key)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", "c:0")

    def take_away(self) -> None:
        if self.way == "tmux kill-window":
            self._tmux("kill-window", "-t", "c:0")
        elif self.way == "tmux kill-server":
            self._tmux("kill-server")
        else:
            os.kill(self.server, signal.SIGKILL)

    def close(self) -> None:
        super().close()
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False, timeout=20)


def open_console(way: str, command: Sequence[str], env: dict[str, str], slow: bool) -> ConsoleTerminal:
    """Start `command` in a terminal that `way` can take away."""
    env = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    env.pop("TMUX", None)
    return (InTmux if way in TMUX_WAYS else InPty)(way, command, env, slow)


def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and was not collected yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def describe(pid: int) -> str:
    """Return state, parent and CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return f"pid {pid}, state {fields[0]}, parent {fields[1]}, {seconds:.1f} s of CPU"
