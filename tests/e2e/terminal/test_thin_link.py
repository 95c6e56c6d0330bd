"""The console over a throttled link, in front of an emulator: how many bytes it sends, and that keys are shown.

`benchmarks/slow_link.py` prints the figures; here only bytes and generous times are looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.lib.pty_run import child
from benchmarks.lib.thin_pty import Link, ThinTerm

pytestmark = [pytest.mark.e2e, pytest.mark.core, pytest.mark.skipif(sys.platform != "linux", reason="needs a pty")]
FAST, SATELLITE = Link(1e6, 0.05), Link(20e3, 0.6)


@contextmanager
def console(home: Path, link: Link, columns: int, lines: int, answers: bool = True) -> Iterator[ThinTerm]:
    argv = child("reporting_fleet.py", "300", "5", "hosts")
    term = ThinTerm(argv, link, columns, lines, {"HOME": str(home), "XDG_STATE_HOME": str(home)})
    term.answers = answers
    try:
        assert term.until(lambda term: term.shows("HOST", "HEALTH", "▲") and term.marked_row() >= 0) is not None
        yield term
    finally:
        term.close()


def at_rest(term: ThinTerm, seconds: float) -> float:
    """Return bytes a second while nobody types."""
    before = term.received
    term.run(seconds)
    return (term.received - before) / seconds


def test_a_satellite_link_is_found_out_and_little_is_sent(tmp_path: Path) -> None:
    with console(tmp_path, SATELLITE, 132, 43) as term:
        assert term.until(lambda term: "link " in term.screen.display[0], 8) is not None
        words = term.screen.display[0].partition("link ")[2].split()
        assert 10 <= float(words[0]) <= 40, words
        assert 400 <= float(words[2]) <= 1500, words
        term.run(1.5)
        assert at_rest(term, 4) < 600, "the aim is 300"
        before, goal = term.received, term.marked_row() + 1
        term.send(b"j")
        took = term.until(lambda term: term.marked_row() == goal, 8)
        assert took is not None
        assert took < SATELLITE.round_trip + 3
        term.run(0.5)
        assert term.received - before < 3000, "a cursor key sends two rows and the detail"
        before = term.received
        term.send(b"3")
        assert term.until(lambda term: term.shows("shop-0", "shop-11"), 8) is not None
        assert term.received - before < 6000, "a view sends its own cells alone"


def test_a_fast_link_shows_values_within_two_kilobytes_a_second(tmp_path: Path) -> None:
    with console(tmp_path, FAST, 200, 60) as term:
        term.run(1.5)
        assert at_rest(term, 2.5) < 3000, "the aim is 2000"
        assert "link " not in term.screen.display[0]


def test_a_terminal_that_answers_nothing_is_served(tmp_path: Path) -> None:
    with console(tmp_path, FAST, 80, 24, answers=False) as term:
        for key, words in ((b"3", "shop-0"), (b"2", "HEALTH"), (b"3", "shop-0")):
            term.send(key)
            assert term.until(lambda term, words=words: term.shows(words), 6) is not None  # type: ignore[misc]
