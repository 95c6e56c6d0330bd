"""A test's app has a terminal of its own making and a cursor that does not blink."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

CALM = 1 / 200
"""Seconds for which a console computes (nearly) nothing before a test continues; Textual's own 1/50 s are four for each
key, most of the time of these tests. `settle` looks for messages that wait besides."""


@pytest.fixture(autouse=True)
def steady_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nothing of the terminal that runs the tests reach the pictures."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", CALM)
    monkeypatch.setattr("textual._wait.SLEEP_IDLE", CALM / 10)
    yield
