"""Logs: joined where fetches overlap, bounded, followed without hammering a host, readable on a bad link."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.agent.simulate.log import simulated_log
from edgewright.core.errors import Unreachable
from tests.tui.driving import console, press, said, settle, until
from tests.tui.samples import NOW
from tests.tui.wizards.installing import StandIn
from tui.frame.pager.log_buffer import GAP, LogBuffer, moment_of
from tui.frame.pager.log_polled import PolledLogScreen
from tui.screens.host import logs as logs_module
from tui.screens.host.logs import LogsScreen, unit_title
from tui.screens.hub.log import tail
from tui.screens.installers.log import InstallerLogScreen


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), max_size=12))
def test_fetches_that_overlap_give_every_line_once(steps: list[tuple[int, int]]) -> None:
    buffer, written = LogBuffer(), 0
    last = 0
    for new, size in steps:
        written += new
        fetched = [f"line {number}" for number in range(max(written - size, 0), written)]
        buffer.take(fetched)
        last = written
    numbers = [int(one.text.split()[1]) for one in buffer.lines if one.text != GAP]
    assert numbers == sorted(set(numbers)), "no line twice, and all in order"
    if numbers:
        assert numbers[-1] == last - 1
    for before, after in pairwise(buffer.lines):
        if GAP not in (before.text, after.text):
            assert int(after.text.split()[1]) == int(before.text.split()[1]) + 1, "a gap is marked"


def test_memory_is_bounded() -> None:
    buffer = LogBuffer(most=100)
    buffer.take([f"line {number}" for number in range(500)])
    assert len(buffer.lines) == 100 and buffer.dropped == 400
    large = LogBuffer()
    for number in range(3000):
        large.take([f"{number} " + "x" * 5000])
    assert sum(len(one.text) for one in large.lines) <= 4_000_000 + 4096


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("kubelet.service", "kubelet.service"),
        ("edgewright-step-cluster-0123abcd-layer-web-0a1b2c.service", "Install an add-on web"),
        ("edgewright-step-trial-1.service", "trial-1"),
        ("edgewright-step-*.service", "all steps"),
        ("edgewright-step-*", "all steps"),
    ],
)
def test_the_log_of_a_step_has_its_title(unit: str, shown: str) -> None:
    assert unit_title(unit) == shown


def test_moments_of_journals_and_builds() -> None:
    assert moment_of("2026-11-28T08:47:08+0000 edge kernel: x") == moment_of("2026-11-28T08:47:08Z x")
    assert moment_of("2026-11-28T09:47:08+0100 x") == moment_of("2026-11-28 08:47:08.123Z x")
    assert moment_of("no time here") is None
    buffer = LogBuffer()
    buffer.take(["23:59:50Z a", "  detail", "00:00:10Z b"])
    first, detail, second = (one.at for one in buffer.lines)
    assert first == detail and first is not None and second == first + 20
    assert [one.text for one in buffer.shown(since=first + 1)] == ["00:00:10Z b"]


def test_a_simulated_log_can_be_followed() -> None:
    buffer = LogBuffer()
    buffer.take(simulated_log("edge", 1_000_000.0, {"lines": 20}))
    assert buffer.take(simulated_log("edge", 1_000_030.0, {"lines": 20, "since": int(buffer.newest or 0)})) == 6
    assert GAP not in [one.text for one in buffer.lines]


class Host:
    """Stands in for the host: gives a log, or fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines = [f"2026-11-23T14:01:{number:02}Z edge agent: message {number}" for number in range(30)]
        self.error: Exception | None = None
        self.asked: list[float | None] = []
        monkeypatch.setattr(logs_module, "fetch_lines", self.fetch)

    async def fetch(
        self, ctx: Any, uid: str, lines: int, report: Any, since: float | None = None, unit: str = ""
    ) -> list[str]:
        self.asked.append(since)
        if self.error is not None:
            raise self.error
        return self.lines[-lines:]


async def test_a_log_is_followed_filtered_and_kept_when_the_link_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    host, clock = Host(monkeypatch), [NOW]
    async with console("logs", "uid-edge-0c11") as (pilot, _, made):
        made.now = lambda: clock[0]
        await until(pilot, lambda: "message 29" in said(pilot))
        screen = pilot.app.screen
        assert isinstance(screen, LogsScreen)
        await press(pilot, "s")
        await until(pilot, lambda: len(host.asked) == 2)
        assert host.asked[1] is not None, "the second fetch asks only for what is new"
        assert "following" in screen.count()
        screen.tick()
        assert len(host.asked) == 2, "not asked again before its time"
        host.lines.append("2026-11-23T14:02:01Z edge agent: ERROR disk full")
        clock[0] += logs_module.PAUSE
        screen.tick()
        await until(pilot, lambda: "disk full" in said(pilot))
        host.error = Unreachable("The plane does not answer.", "It is asked again.")
        clock[0] += logs_module.PAUSE
        screen.tick()
        await until(pilot, lambda: "The plane does not answer." in said(pilot))
        assert "disk full" in said(pilot), "what was fetched stays"
        await press(pilot, "slash", *"disk", "enter", "f")
        assert "message 28" not in said(pilot) and "disk full" in said(pilot)
        assert "only disk" in screen.count()
        await press(pilot, "slash", "escape")
        assert "message 28" in said(pilot), "without a search every line is shown"
        await press(pilot, "f", "escape")
        assert not screen.hits_only
        await press(pilot, "s")
        assert screen._next is None and "following" not in screen.count()
        await press(pilot, "T")
        assert "since 5m" in screen.count()


async def test_following_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    host, clock = Host(monkeypatch), [NOW]
    monkeypatch.setattr(logs_module, "MOST_FETCHES", 3)
    async with console("logs", "uid-edge-0c11") as (pilot, _, made):
        made.now = lambda: clock[0]
        screen = pilot.app.screen
        assert isinstance(screen, LogsScreen)
        await press(pilot, "s")
        for _ in range(8):
            clock[0] += logs_module.PAUSE
            screen.tick()
            await settle(pilot)
        assert not screen.following and len(host.asked) <= 5


async def test_long_lines_are_wrapped_or_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch)
    host.lines = ["2026-11-23T14:01:01Z " + "word " * 60 + "END"]
    async with console("logs", "uid-edge-0c11") as (pilot, _, _):
        await until(pilot, lambda: "END" in said(pilot))
        await press(pilot, "w")
        assert "END" not in said(pilot) and "…" in said(pilot)


async def test_the_log_of_a_build_stops_following() -> None:
    stand_in = StandIn()
    async with console("installer-log", "b1", installer=stand_in) as (pilot, _, _):
        await until(pilot, lambda: "reading it back" in said(pilot))
        screen = pilot.app.screen
        assert isinstance(screen, InstallerLogScreen) and screen.following
        await press(pilot, "s")
        stand_in.log.append("14:01:20Z the proof begins")
        screen._read_again()
        await settle(pilot)
        assert "the proof begins" not in said(pilot)
        await press(pilot, "s")
        await until(pilot, lambda: "the proof begins" in said(pilot))


async def test_the_log_of_a_hub_on_this_machine_is_text_and_grows(tmp_path: Path) -> None:
    log = tmp_path / "hub.log"
    entry = {
        "time": "2026-11-23T14:01:02.000Z",
        "level": "warning",
        "message": "slow disk \x1b[31m",
        "peer": "10.0.0.7",
    }
    log.write_text(json.dumps(entry) + "\nnot json\n")
    async with console("hub-log", hub_log=lambda: log) as (pilot, _, _):
        await until(pilot, lambda: "WARNING slow disk" in said(pilot))
        assert "peer=10.0.0.7" in said(pilot) and "not json" in said(pilot) and "\x1b" not in said(pilot)
        with log.open("a") as file:
            file.write(json.dumps({**entry, "message": "all is back"}) + "\n")
        screen = pilot.app.screen
        assert isinstance(screen, PolledLogScreen)
        screen._read_again()
        await until(pilot, lambda: "all is back" in said(pilot))


async def test_a_hub_elsewhere_has_no_log_here() -> None:
    async with console("hub-log", hub_log=lambda: None) as (pilot, _, _):
        await until(pilot, lambda: "does not run on this machine" in said(pilot))


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "hub.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    lines = tail(log)
    assert lines[-1] == "line 99999" and len(lines) < 100_000
    assert all(line.startswith("line ") for line in lines), "the first line, cut in half, is left out"
