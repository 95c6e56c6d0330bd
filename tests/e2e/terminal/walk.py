"""Random keys for the console, the same for the same seed: what a cat on the keyboard, or a stuck link, would type."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from edgewright.commands.kernel.bindings import bindings
from tests.e2e.console import Terminal
from tests.e2e.terminal.script import NAMED, answers, at_once, bytes_of, go_home
from tui.navigation.type_ahead import PATIENCE

LEAVES = frozenset({"<ctrl+c>", "<ctrl+q>", "<ctrl+z>", "<ctrl+s>"})
"""Keys that are left out: they end or suspend the console, or write a file beside the test."""
COMMANDS = (
    "pulse",
    "hosts",
    "tokens",
    "events",
    "audit",
    "installers",
    "first-steps",
    "messages",
    "theme",
    "context",
    "host",
    "nonsense",
    "hosts health:unhealthy",
)
FILTERS = ("kiel", "health:healthy", "helth:bad", "cpu>1", "/b.*n/", "-x", "")
QUIET = PATIENCE + 0.5
"""Seconds: keys wait that long for a view that is still being opened, while nothing runs."""
RENAMED = {"escape": "esc", "pageup": "pgup", "pagedown": "pgdn", "question_mark": "?", "slash": "/", "colon": ":"}


def every_key() -> list[str]:
    """Return every key of the console that a terminal can send as one, in the notation of scripts."""
    found = set()
    for key in (key for binding in bindings() for key in binding.keys):
        name = RENAMED.get(key, key)
        if len(name) == 1:
            found.add(name)
        elif name in NAMED or (name.startswith("ctrl+") and len(name) == 6 and name[-1].isalpha()):
            found.add(f"<{name}>")
    return sorted(found - LEAVES)


def keys_of(seed: int, count: int) -> list[str]:
    """Return `count` keys: mostly single keys of the console, now and then a command or a filter with its text."""
    chance, known = random.Random(seed), every_key()
    keys: list[str] = []
    while len(keys) < count:
        kind = chance.random()
        if kind < 0.06:
            keys += [":", *_typed(chance.choice(COMMANDS)), "<enter>"]
        elif kind < 0.1:
            keys += ["/", "<ctrl+u>", *_typed(chance.choice(FILTERS)), chance.choice(["<enter>", "<esc>"])]
        elif kind < 0.25:
            keys.append(chance.choice("123456"))
        elif kind < 0.35:
            keys += ["<esc>"] * chance.randint(1, 4)
        else:
            keys.append(chance.choice(known))
    return keys[:count]


def _typed(text: str) -> list[str]:
    return ["<space>" if letter == " " else letter for letter in text]


@dataclass
class Figures:
    """What a walk came to."""

    seed: int
    keys: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    """Seconds of the slowest answer of a probe key."""
    memory: list[int] = field(default_factory=list)
    """Resident memory in KiB, at every probe."""

    @property
    def growth(self) -> float:
        """Return the memory at the end against that after the warm-up, a fifth of the probes."""
        after = self.memory[len(self.memory) // 5 :]
        return max(after[-2:]) / after[0]

    def __str__(self) -> str:
        """Return one line for the closing note."""
        memory = f"MB {' '.join(str(one // 1024) for one in self.memory)} ({self.growth:.2f} x after warm-up)"
        took = f"{self.keys:,} keys in {self.seconds:.0f} s, slowest answer {self.slowest:.2f} s"
        return f"seed {self.seed}: {took}, {memory}"


def resident(pid: int) -> int:
    """Return the resident memory of a process in KiB."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("VmRSS")).split()[1])


def await_quiet(pid: int, patience: float) -> None:
    """Wait until a process has handled what was typed: it hardly runs, and hardly waits for a processor, for a while.

    The while is longer than keys wait for a dialog or for a screen that still reads what it shows.
    """
    latest = time.monotonic() + patience
    while True:
        before, began = busy_seconds(pid), time.monotonic()
        time.sleep(QUIET)
        if busy_seconds(pid) - before < 0.2 * (time.monotonic() - began):
            return
        assert time.monotonic() < latest, f"busy for {patience:g} s after the last key"


def busy_seconds(pid: int) -> float:
    """Return how long the main thread of a process has run or waited for a processor. Fails when it has ended."""
    try:
        ran, waited, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except FileNotFoundError:
        raise AssertionError("the console has ended") from None
    return (int(ran) + int(waited)) / 1e9


def walk(terminal: Terminal, seed: int, count: int, rate: float, chunk: int, patience: float = 60.0) -> Figures:
    """Type `count` keys, `rate` a second or each chunk in one write (0); after each chunk the console must answer.

    Fails when the console ended, finds no way back to Pulse, or does not answer a key within `patience` seconds.
    """
    figures, began, pid = Figures(seed), time.monotonic(), terminal.pid
    keys = keys_of(seed, count)
    for start in range(0, count, chunk):
        part = keys[start : start + chunk]
        if rate:
            due = time.monotonic()
            for key in part:
                terminal.write(bytes_of(key))
                due += 1 / rate
                time.sleep(max(due - time.monotonic(), 0))
        else:
            terminal.write(at_once(part))
        figures.keys += len(part)
        try:
            await_quiet(pid, patience)
            go_home(terminal, patience)
            figures.slowest = max(figures.slowest, answers(terminal, patience))
        except AssertionError as error:
            raise AssertionError(f"{figures.keys} keys of seed {seed}, the last: {' '.join(part)}\n{error}") from error
        figures.memory.append(resident(pid))
    figures.seconds = time.monotonic() - began
    return figures
