"""Escape and a key that arrive in one piece are two keys, whichever key it is."""

from __future__ import annotations

import string
import time
from collections.abc import Iterator
from typing import Any

import pytest
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser

from tui.terminal import own_keys

PLAIN = {"\r": "enter", " ": "space", ":": "colon", "!": "exclamation_mark", "?": "question_mark", "=": "equals_sign"}


@pytest.fixture(autouse=True)
def parser_of_textual(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(XTermParser, "_sequence_to_key_events", own_keys._as_textual)
    monkeypatch.setattr(XTermParser, "parse", own_keys._parse)
    stored = dict(ANSI_SEQUENCES_KEYS)
    yield
    sequences: Any = ANSI_SEQUENCES_KEYS
    sequences.update(stored)


def typed(text: str, *, in_field: bool = False) -> list[str]:
    """Return the keys of bytes that are read at once, with nothing behind them."""
    own_keys.separate(lambda: in_field)
    parser, keys = XTermParser(), []
    found = list(parser.feed(text))
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        found += parser.tick()
        if not text.startswith("\x1b") or found:
            break
        time.sleep(0.02)
    keys = [event.key for event in found if isinstance(event, events.Key)]
    return keys


@pytest.mark.parametrize("letter", ["b", "f", "n", "N", "0", *PLAIN])
def test_escape_is_not_lost_before(letter: str) -> None:
    assert typed(f"\x1b{letter}") == ["escape", PLAIN.get(letter, letter)]


@pytest.mark.parametrize("behind", ["\x1b[24;53R", "\x1b[B", "\x1b", "x" * 40])
@pytest.mark.parametrize("letter", ["b", "\r", "\x12"])
def test_escape_is_not_lost_before_a_key_with_more_close_behind(letter: str, behind: str) -> None:
    """As the terminal's answer to a frame is; Textual made `^` of it."""
    key = {"\r": "enter", "\x12": "ctrl+r"}.get(letter, letter)
    rest = {"\x1b[B": ["down"], "x" * 40: ["x"] * 40}.get(behind, [])
    found = typed(f"\x1b{letter}{behind}")
    assert found[: 2 + len(rest)] == ["escape", key, *rest]
    if letter == "b" and len(behind) > 1:
        assert typed(f"\x1bb{behind}", in_field=True)[0] == "ctrl+left"


def test_of_a_sequence_that_is_unknown_escape_stays_what_textual_makes_of_it() -> None:
    assert typed("\x1b[?62;c\x1b[B")[0] == "circumflex_accent"


def test_sequences_of_keys_stay_what_they_are() -> None:
    assert typed("\x1b[1;5D") == ["ctrl+left"] and typed("\x1b[B") == ["down"] and typed("ab") == ["a", "b"]
    assert typed("\x1b\x1b[B") == ["escape", "down"] and typed("\x1b\x7f") == ["ctrl+w"]
    assert typed("\x1b\t") == ["shift+tab"], "as the Linux console sends it"


def test_alt_and_a_letter_move_by_words_in_a_field() -> None:
    assert typed("\x1bb", in_field=True) == ["ctrl+left"] and typed("\x1bf", in_field=True) == ["ctrl+right"]
    assert typed("\x1bx", in_field=True) == ["alt+x"] and typed("\x1b\r", in_field=True) == ["escape", "enter"]
    assert {letter for letter in string.ascii_lowercase if len(typed(letter)) != 1} == set()
