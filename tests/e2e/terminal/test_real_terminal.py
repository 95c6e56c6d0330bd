"""The console in real terminals: what is on the wire, and what a Linux console, NO_COLOR and ASCII show."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pyte
import pytest

from benchmarks.lib.pty_run import Term, child
from tui.terminal.glyphs import CP437

pytestmark = [pytest.mark.e2e, pytest.mark.core, pytest.mark.skipif(sys.platform != "linux", reason="needs a pty")]
SGR = re.compile(rb"\x1b\[([\d;]*)m")


@contextmanager
def console(environ: dict[str, str], columns: int = 80, lines: int = 24) -> Iterator[Term]:
    term = Term(child("console_child.py", "live", "60", "0"), columns, lines, environ)
    try:
        term.wait_for(b"edge-")
        term.quiet()
        yield term
    finally:
        term.close()


def shown(term: Term, columns: int = 80, lines: int = 24) -> list[str]:
    screen = pyte.Screen(columns, lines)
    pyte.ByteStream(screen).feed(term.raw)
    return list(screen.display)


def test_linux_console_gets_only_its_glyphs_and_no_bright_colour() -> None:
    with console({"TERM": "linux", "COLORTERM": ""}) as term:
        text = "".join(shown(term))
        assert "edge-00000" in text
        assert {one for one in text if one > "\x7e" and one not in CP437} == set()
        codes = [int(code) for found in SGR.findall(term.raw) for code in found.split(b";") if code]
        assert not [code for code in codes if 90 <= code <= 107 or code in (38, 48)]


def test_no_color_sends_no_colour() -> None:
    with console({"NO_COLOR": "1"}) as term:
        codes = {int(code) for found in SGR.findall(term.raw) for code in found.split(b";") if code}
        assert not [code for code in codes if 30 <= code <= 38 or 40 <= code <= 48 or 90 <= code <= 107], codes
        assert "edge-00000" in "".join(shown(term))


def test_a_terminal_of_letters_gets_ascii_alone() -> None:
    with console({"TERM": "vt220", "COLORTERM": ""}) as term:
        text = "".join(shown(term))
        assert text.isascii()
        assert "! edge-00000" in text


def test_one_changed_cell_costs_little() -> None:
    with console({}, 160, 50) as term:
        before = len(term.raw)
        term.signal(signal.SIGUSR1)
        term.quiet(0.5)
        assert 0 < len(term.raw) - before <= 250


def test_escape_and_a_key_in_one_piece_are_two_keys() -> None:
    with console({"TERM": "linux", "COLORTERM": ""}) as term:
        for key, there in ((b"?", "HERE: HOSTS"), (b"\x1b3", "No token yet.")):
            term.send(key)
            deadline = time.monotonic() + 20
            while there not in "\n".join(shown(term)):
                assert time.monotonic() < deadline, "\n".join(shown(term))
                term.pump(0.05)
