"""A test's app has a terminal of its own making and a cursor that does not blink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

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


@pytest.fixture(autouse=True, scope="session")
def sheets_are_parsed_once() -> Iterator[None]:
    """Let the apps of all tests share the rules of equal style sheets with equal variables, which nothing changes."""
    known: dict[tuple[object, ...], list[RuleSet]] = {}
    parse = Stylesheet._parse_rules

    def once(self: Stylesheet, *sheet: Any, **named: Any) -> list[RuleSet]:
        if type(self) is not Stylesheet:
            return parse(self, *sheet, **named)
        key = (frozenset(self._variables.items()), *sheet, *sorted(named.items()))
        rules = known.get(key)
        if rules is None:
            rules = known[key] = parse(self, *sheet, **named)
        return rules

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", once)
        yield
