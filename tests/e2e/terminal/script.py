"""Scripts of keys for the console in a real terminal: what is pressed, and what the screen then shows.

One line for each step: `KEYS -> TEXT | TEXT | not TEXT`. Keys are typed as they are; others are names in `<...>`
(`<enter> <esc> <tab> <up> <down> <space> <pgdn> <ctrl+d>`), and blanks are ignored. A step without keys only waits.

A script is played slowly (a key at a time, each step waits for its text) or fast (all keys in one write; only the text
of the last step is waited for). Both must end on the same screen. `KEYS => TEXT` is a step that does work, e.g. starts
a hub: a fast script waits for it, too, before it types on.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from tests.e2e.console import Terminal

NAMED = {
    "enter": b"\r",
    "esc": b"\x1b",
    "tab": b"\t",
    "space": b" ",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "pgup": b"\x1b[5~",
    "pgdn": b"\x1b[6~",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "backspace": b"\x7f",
    "delete": b"\x1b[3~",
    "shift+tab": b"\x1b[Z",
    "f1": b"\x1bOP",
    "f2": b"\x1bOQ",
    "f3": b"\x1bOR",
    "f4": b"\x1bOS",
}
ESCAPE_ALONE = b"\x1b\x1b[I"
"""Escape when more follows in the same write: ESC and a letter would be Alt and the letter. What follows here reports
that the terminal has the focus, which does nothing."""
PAUSE = 0.05
"""Seconds between two keys of a slow script: the hand of somebody who knows the keys."""
PATIENCE = 20.0
LASTING = 0.4
"""Seconds for which the end of a fast script must be on the screen: its text may be there before its last keys."""


@dataclass(frozen=True)
class Step:
    """Keys, and what is on the screen afterwards."""

    keys: tuple[str, ...]
    shows: tuple[str, ...]
    lacks: tuple[str, ...]
    works: bool = False

    def met(self, screen: str) -> bool:
        """Whether the screen shows what it should."""
        return all(text in screen for text in self.shows) and not any(text in screen for text in self.lacks)


def steps_of(script: str) -> list[Step]:
    """Return the steps of a script. Raises `ValueError` for a key without a meaning."""
    steps = []
    for row in script.strip().splitlines():
        works = "=>" in row
        keys, _, texts = row.partition("=>" if works else "->")
        expected = [text.strip() for text in texts.split("|") if text.strip()]
        lacks = tuple(text.removeprefix("not ") for text in expected if text.startswith("not "))
        shows = tuple(text for text in expected if not text.startswith("not "))
        steps.append(Step(tuple(re.findall(r"<[a-z0-9+]+>|\S", keys)), shows, lacks, works))
    for step in steps:
        for key in step.keys:
            bytes_of(key)
    return steps


def bytes_of(key: str) -> bytes:
    """Return what a terminal sends for a key."""
    if len(key) == 1:
        return key.encode()
    name = key.strip("<>")
    if name.startswith("ctrl+") and len(name) == 6:
        return bytes([ord(name[-1]) & 0x1F])
    if name not in NAMED:
        raise ValueError(f"not a key {key}")
    return NAMED[name]


def at_once(keys: list[str]) -> bytes:
    """Return the bytes of keys that are typed in one write."""
    return b"".join(ESCAPE_ALONE if key == "<esc>" else bytes_of(key) for key in keys)


def play(terminal: Terminal, script: str, fast: bool) -> None:
    """Play a script; a step that does not show what it should fails with the screen."""
    steps = steps_of(script)
    if fast:
        keys: list[str] = []
        for step in steps:
            keys += step.keys
            if step.works or step is steps[-1]:
                terminal.write(at_once(keys))
                expect(terminal, step, lasting=LASTING)
                keys.clear()
        return
    for step in steps:
        for key in step.keys:
            terminal.write(bytes_of(key))
            time.sleep(PAUSE if key != "<esc>" else 0.15)  # after the time that tells escape from a sequence
        expect(terminal, step)


def expect(terminal: Terminal, step: Step, patience: float | None = None, lasting: float = 0.0) -> float:
    """Wait for what a step shows, all the time for `lasting` seconds; return the seconds until it was there."""
    began, patience = time.monotonic(), patience or PATIENCE
    since: float | None = None
    while True:
        screen, now = terminal.screen(), time.monotonic()
        if step.met(screen):
            since = now if since is None else since
            if now - since >= lasting:
                return since - began
        else:
            since = None
            assert "console ended with" not in screen, f"the console ended at {step}\n{screen}"
            assert now - began < patience, f"{step} is not met within {patience:g} s:\n{screen}"
        time.sleep(0.02)


def go_home(terminal: Terminal, patience: float = PATIENCE) -> None:
    """Press escape, and what a dialog asks for, until Pulse is in front, as somebody does who is lost."""
    latest = time.monotonic() + patience
    while True:
        screen = terminal.screen()
        assert "console ended with" not in screen, f"the console ended:\n{screen}"
        if at_home(screen):
            time.sleep(0.2)
            if at_home(terminal.screen()):  # and no key is on its way that leads elsewhere
                return
            continue
        assert time.monotonic() < latest, f"no way back to Pulse within {patience:g} s:\n{screen}"
        if "Leave the wizard" in screen:
            terminal.write(b"\r")
        else:
            terminal.write(b"\x1b")
            time.sleep(0.15)
            terminal.write(b"1")
        time.sleep(0.1)


def at_home(screen: str) -> bool:
    """Whether Pulse is in front, without a dialog above it or the prompt open."""
    rows = screen.splitlines()
    asked = len(rows) < 4 or rows[-2].startswith(("/", ":"))
    return not asked and rows[1].startswith("Pulse ") and "FLEET" in screen and not {"╭", "╰"} & set(screen)


def answers(terminal: Terminal, patience: float = PATIENCE) -> float:
    """Press a key that opens something and one that closes it; return the seconds until the first was answered."""
    terminal.write(b"?")
    took = expect(terminal, Step(("?",), ("HERE: ",), ()), patience)
    terminal.write(b"\x1b")
    expect(terminal, Step(("<esc>",), (), ("HERE: ",)), patience)
    return took
