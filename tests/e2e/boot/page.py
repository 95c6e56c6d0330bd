"""The Boot page of the console, for a host that may be slow to answer."""

from __future__ import annotations

import time

from tests.e2e.console import Terminal


def shown(terminal: Terminal, patience: float, *words: str) -> None:
    """Wait until the page shows these words; a reading that the machine was too slow for is asked for again."""
    deadline = time.monotonic() + patience
    while not all(word in terminal.screen() for word in words):
        assert time.monotonic() < deadline, terminal.screen()
        if "took longer than" in terminal.screen():
            terminal.press("R")
            time.sleep(2)
        time.sleep(0.3)
