"""Screens of an open site behind two thin links: 20 KB/s and 600 ms to the terminal, 64 kbit/s and 300 ms to the host.

The aims are those of `benchmarks/slow_link.py`: a key is shown within the round trip to the terminal and 0.5 s, and 300
bytes a second arrive at rest. The figures are printed; what is asserted leaves room for a machine that is shared.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.lib.thin_pty import Link, ThinTerm
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.wire import Wire, unusable
from tests.e2e.fleet import command_environment
from tests.e2e.ssh.test_lossy_link import far_sshd
from tests.support import missing

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs a pty")]
TERMINAL = Link(20e3, 0.6)
KEY_AIM, REST_AIM = TERMINAL.round_trip + 0.5, 300.0
SLACK, REST_MOST, SSH_REST_MOST = 10.0, 600.0, 400.0
"""Seconds and bytes a second that a shared machine may need beyond the aims, and what the host's link carries then."""


class Opened(NamedTuple):
    """How a page opens: its keys, what is shown at once, what when the host has answered, within so many seconds."""

    name: str
    keys: bytes
    at_once: tuple[str, ...]
    content: tuple[str, ...]
    within: float = 30.0


PAGES = (
    Opened("network", b"n", ("› Network",), ("HOST NAME", "ADAPTERS")),
    Opened("boot", b"b", ("› Boot",), ("SLOT THAT RUNS",)),
    Opened("files", b"f", ("DIRECTORIES OF THE HOST",), ("DIRECTORIES OF THE HOST",)),
    Opened("ledger", b":site ledger\r", ("› Ledger", "VERB"), ("› Ledger", "far")),
    Opened("sites", b"o", ("› Sites", "LIKELY CAUSE"), ("open",)),
    Opened("run plan", b":site run far -- uptime\r", ("WHAT HAPPENS", "uptime"), ("Cancel",)),
    Opened("run", b"\t\r", ("› Run", "RESULT"), ("1 done", "exit 0")),
)


class Figures(NamedTuple):
    shown: float
    answered: float
    bytes_shown: int
    rest: float
    ssh: int
    ssh_rest: float


def carried(wire: Wire) -> int:
    """Return the bytes that the host's link has carried, in both directions."""
    place = Path(f"/sys/class/net/{wire.name}a/statistics")
    return sum(int((place / name).read_text()) for name in ("rx_bytes", "tx_bytes"))


@pytest.fixture
def behind(key_files: dict[str, Path], tmp_path: Path) -> Iterator[tuple[ThinTerm, Wire]]:
    """A console with a site open, both links thin."""
    if why := unusable():
        missing("e2e", why)
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    with Wire(rate=8000.0) as wire, far_sshd(tmp_path, key_files, wire) as laptop:
        config = home / ".ssh" / "config"
        config.write_text(laptop.text)
        config.chmod(0o600)
        argv = [sys.executable, "-m", "edgewright", "site", "open", "far"]
        term = ThinTerm(argv, TERMINAL, 80, 24, command_environment(home))
        try:
            yield term, wire
        finally:
            term.close()


def opened(term: ThinTerm, wire: Wire, page: Opened) -> Figures:
    """Open a page, wait for the host, look at what arrives at rest."""
    before, ssh, began = term.received, carried(wire), time.monotonic()
    term.send(page.keys)
    shown = term.until(lambda term: term.shows(*page.at_once), KEY_AIM + SLACK)
    assert shown is not None, f"{page.name} is not shown within {KEY_AIM + SLACK:g} s:\n{term.text()}"
    assert term.until(lambda term: term.shows(*page.content), page.within) is not None, f"{page.name}:\n{term.text()}"
    answered = time.monotonic() - began
    term.run(2.0)
    arrived, ssh = term.received - before, carried(wire) - ssh
    rest, ssh_rest, since = term.received, carried(wire), time.monotonic()
    term.run(6.0)
    seconds = time.monotonic() - since
    return Figures(
        shown, answered, arrived, (term.received - rest) / seconds, ssh, (carried(wire) - ssh_rest) / seconds
    )  # fmt: skip


def left(term: ThinTerm) -> float:
    """Go back to Doctor; return the seconds until it is shown."""
    term.send(b"\x1b")
    took = term.until(lambda term: term.screen.display[1].split()[:1] == ["Doctor"]
                      and "›" not in term.screen.display[1], KEY_AIM + SLACK)  # fmt: skip
    assert took is not None, f"escape is not shown within {KEY_AIM + SLACK:g} s:\n{term.text()}"
    return took


def test_pages_open_at_once_are_quiet_and_are_left_at_once(behind: tuple[ThinTerm, Wire]) -> None:
    term, wire = behind
    assert term.until(lambda term: term.shows("probes in 1 round trip"), 90) is not None, term.text()
    term.run(3.0)
    heads = f"{'shown':>8}{'answered':>10}{'left':>7}{'bytes':>8}{'rest B/s':>10}{'SSH bytes':>11}{'SSH B/s':>9}"
    print(f"\n{'page':<10}{heads}")
    for page in PAGES:
        figures = opened(term, wire, page)
        back = 0.0 if page.name == "run plan" else left(term)
        print(
            f"{page.name:<10}{figures.shown:>7.2f}s{figures.answered:>9.2f}s{back:>6.2f}s{figures.bytes_shown:>8}"
            f"{figures.rest:>10.0f}{figures.ssh:>11}{figures.ssh_rest:>9.0f}"
        )
        assert figures.rest < REST_MOST, f"{page.name}: the aim is {REST_AIM:g}"
        assert figures.ssh_rest < SSH_REST_MOST, page.name
    print(f"aims: shown and left {KEY_AIM:g} s, rest {REST_AIM:g} B/s")


def test_a_reading_that_the_link_does_not_answer_is_cancelled_by_escape(behind: tuple[ThinTerm, Wire]) -> None:
    term, wire = behind
    assert term.until(lambda term: term.shows("probes in 1 round trip"), 90) is not None, term.text()
    wire.pause()
    network = "Reading the network settings in one round trip. esc stops it."
    for keys, state in ((b"n", network), (b"f\r", "esc stops it")):
        term.send(keys)
        assert term.until(lambda term, state=state: term.shows(state), KEY_AIM + SLACK) is not None, term.text()  # type: ignore[misc]
        term.send(b"\x1b")
        assert term.until(lambda term: term.shows("Stopped."), KEY_AIM + SLACK) is not None, term.text()
        term.send(b"\x1b\x1b" if keys == b"f\r" else b"\x1b")
        assert term.until(lambda term: "›" not in term.screen.display[1], KEY_AIM + SLACK) is not None, term.text()
    wire.resume()
