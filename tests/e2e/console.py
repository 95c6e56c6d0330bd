"""The console in a real terminal: tmux holds the pty, the test types and reads what stands on the screen."""

from __future__ import annotations

import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.fleet import command_environment, product

Size = tuple[int, int]


class Terminal:
    """A command line of the product, or of another `program`, in a tmux of its own; `env` has its home."""

    def __init__(
        self,
        env: Mapping[str, str],
        words: Sequence[str] = (),
        size: Size = (80, 24),
        prefix: Sequence[str] = (),
        program: Sequence[str] = (sys.executable, "-m", "edgewright"),
    ) -> None:
        self._socket = f"ew-{secrets.token_hex(4)}"
        self.env = dict(env)
        command = f"{shlex.join([*prefix, *program, *words])}; echo console ended with $?; sleep 600"
        place = ["-x", str(size[0]), "-y", str(size[1]), "-c", self.env["HOME"]]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-s", "console", *place, command)

    @property
    def pid(self) -> int:
        """Process of the console."""
        shell = self._tmux("list-panes", "-t", "console", "-F", "#{pane_pid}").strip()
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        assert children, f"the console has ended:\n{self.screen()}"
        return int(children[0])

    @property
    def ended(self) -> bool:
        """Whether the console has ended."""
        return "console ended with" in self.screen()

    def write(self, keys: bytes) -> None:
        """Type these bytes at once: they are in the terminal before the console reads the first of them."""
        for start in range(0, len(keys), 4000):
            self._tmux("send-keys", "-t", "console", "-H", *(f"{one:02x}" for one in keys[start : start + 4000]))

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words],
            capture_output=True,
            text=True,
            env={**self.env, "TERM": "xterm-256color"},
            timeout=20,
            check=True,
        )
        return done.stdout

    def screen(self) -> str:
        """Return the text on the screen."""
        return self._tmux("capture-pane", "-p", "-t", "console")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names (`Enter`, `Escape`) or type text."""
        self._tmux("send-keys", "-t", "console", *keys)

    def row(self, name: str) -> str:
        """Return the row of the table that is about `name` (the detail beside it cut off); empty when there is none."""
        tables = (line.partition("│")[0] for line in self.screen().splitlines())
        return next((line for line in tables if name in line.split()[:2]), "")

    def wait_row(self, name: str, word: str, patience: float = 10.0) -> None:
        """Wait until the row about `name` holds `word`; a failure shows the whole screen."""
        deadline = time.monotonic() + patience
        while word not in self.row(name):
            assert time.monotonic() < deadline, f"row {name} without {word} for {patience:g} s:\n{self.screen()}"
            time.sleep(0.1)

    def wait_line(self, *words: str, patience: float = 10.0) -> None:
        """Wait until one line of the table (without the detail beside it) holds all words, or fail with the screen."""
        deadline = time.monotonic() + patience
        while True:
            tables = (line.partition("│")[0] for line in self.screen().splitlines())
            if any(all(word in table for word in words) for table in tables):
                return
            assert time.monotonic() < deadline, f"no line with {words} for {patience:g} s:\n{self.screen()}"
            time.sleep(0.1)

    def wait(self, *words: str, patience: float = 20.0, never: str = "") -> str:
        """Wait until all words are on the screen and return it; `never` on it ends the wait at once, as a failure."""
        deadline = time.monotonic() + patience
        while True:
            shown = self.screen()
            if all(word in shown for word in words):
                return shown
            assert not never or never not in shown, f"the screen has {never!r} before {words}:\n{shown}"
            lacking = [word for word in words if word not in shown]
            assert time.monotonic() < deadline, f"not on the screen within {patience:g} s: {lacking}\n{shown}"
            time.sleep(0.1)

    def close(self) -> None:
        """End the console and its tmux."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], capture_output=True, timeout=20, check=False)


class Console(Terminal):
    """The console in a tmux of its own, with a context for one plane; without `url` no plane is known."""

    def __init__(
        self,
        home: Path,
        url: str,
        ca: Path,
        api_key_file: Path,
        columns: int = 160,
        lines: int = 50,
        prefix: Sequence[str] = (),
    ) -> None:
        env = command_environment(home)
        home.mkdir(parents=True, exist_ok=True)
        if url:
            words = ["context", "add", "lab", "--url", url, "--ca", str(ca), "--api-key-file", str(api_key_file)]
            added = product(env, *words, "--no-keyring", *(["--no-check"] if prefix else []))
            assert added.returncode == 0, added.stderr
        super().__init__(env, ("--context", "lab") if url else (), (columns, lines), prefix)
