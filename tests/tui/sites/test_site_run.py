"""One command on marked hosts: form, plan with Cancel first, a row for each host, what stops it, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.ssh.commands.bounded import Output
from edgewright.clients.ssh.commands.command import Arrived, CommandResult
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.fleet.ledger import read
from edgewright.store.engine.journal import Journal
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, settle, until, view
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tests.tui.samples import host as host_document
from tests.tui.sites.site_host import FINE, StandInHost
from tests.tui.sites.test_doctor_screen import SIZES, fixed_clock, flat
from tests.tui.sites.test_open_sites import Fleet
from tui.app import EdgewrightApp

__all__ = ["fixed_clock"]
HOSTS = [host_document(f"edge-{letter}", "berlin") for letter in "abc"]


class Runs(StandInHost):
    """A connection whose commands end with `status`; with a `gate` when it opens, or with the user's end."""

    def __init__(self, status: int = 0, *lines: str) -> None:
        super().__init__(FINE)
        self.status, self.lines, self.commands = status, lines, list[tuple[str, bool]]()
        self.so_far: tuple[str, ...] = ()

    async def run_command(
        self,
        command: str,
        *,
        limit: float,
        size: int,
        sudo: bool = False,
        stop: asyncio.Event | None = None,
        arrived: Callable[[Arrived], None] | None = None,
    ) -> CommandResult:
        self.commands.append((command, sudo))
        assert stop is not None and arrived is not None
        if self.so_far:
            arrived(Arrived(Output(self.so_far), Output(("warned",)), self.so_far, ()))
        if self.gate is not None:
            waits = [asyncio.ensure_future(event.wait()) for event in (self.gate, stop)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()
        if stop.is_set():
            return CommandResult("ended", None, Output(self.lines), Output(), 1.0, False)
        errors = Output(("No such file",)) if self.status else Output()
        return CommandResult("exit", self.status, Output(self.lines), errors, 1.2, True)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl", now=lambda: NOW)


def consoled(journal: Journal, made: Fleet, size: tuple[int, int] = (80, 24), **fields: Any) -> Any:
    plane, store = FakePlane(), Store(clock=lambda: NOW)

    def context() -> CommandContext:
        made_context = context_of(plane, store, False)
        made_context.journal = journal
        return made_context

    fields.setdefault("hosts", HOSTS)
    return console("hosts", size=size, make_site=made.make, make_context=context, **fields)


async def planned(pilot: Driven, command: str) -> None:
    await press(pilot, "space", "down", "space", "down", "space", "x")
    await press(pilot, *command, "tab", "tab", "tab", "tab", "tab", "enter")


async def test_marked_hosts_have_a_row_each_and_the_journal_has_them(journal: Journal) -> None:
    made = Fleet(edge_a=Runs(0, "up 3 days"), edge_b=Runs(2), edge_c=Runs(0, "up 1 day"))
    async with consoled(journal, made) as (pilot, _, session):
        await planned(pilot, "uptime")
        text = flat(pilot)
        assert "Command: uptime" in text and "site run edge-a edge-b edge-c -- uptime" in text
        assert "edge-a, edge-b, edge-c" in text
        await press(pilot, "enter")
        assert view(pilot) == "hosts" and made.asked == [] and "nothing was run" in newest_message(session)
        await press(pilot, "x", *"uptime", "tab", "tab", "tab", "tab", "tab", "enter", "tab", "enter")
        await until(pilot, lambda: view(pilot) == "site-run" and "2 done" in flat(pilot) and "1 failed" in flat(pilot))
        rows = {row.split()[1]: row for row in said(pilot).splitlines() if " edge-" in row}
        assert "exit 0" in rows["edge-a"] and "up 3 days" in rows["edge-a"] and "1.2 s" in rows["edge-a"]
        assert "exit 2" in rows["edge-b"] and "No such file" in rows["edge-b"]
        assert "3 of 3 hosts" in frame_text(pilot.app, "crumb")
        await until(pilot, lambda: len(read(journal)) == 3)
        assert sorted(row.result for row in read(journal)) == ["exit 0", "exit 0", "exit 2"]
        assert all(not host.alive for host in made.hosts.values())  # type: ignore[union-attr]
        await press(pilot, "escape")
        assert view(pilot) == "hosts"


async def test_escape_begins_no_further_host_and_again_ends_those_that_run(journal: Journal) -> None:
    hosts = {f"edge_{letter}": Runs() for letter in "abc"}
    for each in hosts.values():
        each.gate = asyncio.Event()
    made = Fleet(**hosts)
    async with consoled(journal, made) as (pilot, _, session):
        command = "site run edge-a edge-b edge-c --at-a-time 1 --sudo -- sleep 9"
        await press(pilot, ":", *command, "enter")
        await until(pilot, lambda: "exec sudo -n sh -c 'sleep 9'" in flat(pilot))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "1 at work" in flat(pilot))
        assert hosts["edge_a"].commands == [("sleep 9", True)]
        await press(pilot, "escape")
        assert view(pilot) == "site-run" and "no further host begins" in flat(pilot)
        assert "esc end all" in frame_text(pilot.app, "keys")
        await press(pilot, "escape")
        await until(pilot, lambda: "2 not begun" in flat(pilot))
        assert "ended by the" in flat(pilot) and hosts["edge_b"].commands == []
        assert {row.host: row.result for row in read(journal)}["edge-b"] == "not-begun"
        assert session.runs[0][1].ended is not None


async def test_what_a_host_prints_is_shown_while_it_runs(journal: Journal) -> None:
    host = Runs(0, "all of it")
    host.gate, host.so_far = asyncio.Event(), tuple(f"step {number}" for number in range(50))
    async with consoled(journal, Fleet(edge_a=host)) as (pilot, _, _session):
        await press(pilot, ":", *"site run edge-a -- uptime", "enter", "tab", "enter")
        await until(pilot, lambda: "1 at work" in flat(pilot) and "step 49" in flat(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: "step 45" in flat(pilot) and "warned" in flat(pilot))
        assert "step 2 " not in flat(pilot), "the end of it is in sight"
        host.gate.set()
        await until(pilot, lambda: "1 done" in flat(pilot) and "all of it" in flat(pilot))
        assert "step 45" not in flat(pilot)


async def test_an_open_site_is_used_and_stays_open(journal: Journal) -> None:
    made = Fleet(edge_a=Runs(0, "fine"))
    async with consoled(journal, made) as (pilot, _, session):
        await press(pilot, ":", *"site open edge-a", "enter")
        await until(pilot, lambda: "read 0s ago" in flat(pilot))
        await press(pilot, ":", *"site run edge-a -- uptime", "enter", "tab", "enter")
        await until(pilot, lambda: "1 done" in flat(pilot))
        assert made.asked == ["edge-a"] and session.sites["edge-a"].is_open
        await press(pilot, "enter")
        assert "fine" in said(pilot).splitlines()[-1]


async def test_what_cannot_run_is_refused_with_its_reason(journal: Journal) -> None:
    made = Fleet()
    async with consoled(journal, made, read_only=True) as (pilot, _, session):
        await press(pilot, "x")
        assert view(pilot) == "hosts" and "read-only" in newest_message(session)
    simulated = [host_document("sim-1", "lab", simulated=True)]
    async with consoled(journal, made, hosts=simulated) as (pilot, _, session):
        await press(pilot, "x")
        assert "simulated ones have none" in newest_message(session)
        await press(pilot, ":", *"site run edge-a", "enter")
        assert "needs `--` and a command" in newest_message(session)


async def test_the_ledger_shows_what_was_done(journal: Journal) -> None:
    entry = journal.begin(
        "site run", ("edge-a",), {"title": "Run uptime on 1 host over SSH", "who": "anna", "cli": "x"}
    )
    journal.end(entry, {"facts": {"hosts": {"edge-a": {"result": "failed", "exit": 3, "seconds": 1.5}}}})
    entry = journal.begin("site network confirm", ("edge-c",), {"title": "Confirm", "who": "anna", "cli": ""})
    journal.end(entry, {"done": ["edge-c"]})
    async with consoled(journal, Fleet()) as (pilot, _, _session):
        await press(pilot, ":", *"ledger", "enter")
        await until(pilot, lambda: "exit 3" in flat(pilot))
        assert "edge-c network confirm done" in flat(pilot)
        await press(pilot, "enter")
        assert "anna" in flat(pilot) and "Run uptime on 1 host" in flat(pilot)
        await press(pilot, ":", *"ledger edge-b", "enter")
        await until(pilot, lambda: "Nothing was done over SSH on edge-b" in flat(pilot))


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
@pytest.mark.parametrize("state", ["running", "ended"])
def test_pictures(snap_compare: Callable[..., bool], size: tuple[int, int], state: str, journal: Journal) -> None:
    hosts = {"edge_a": Runs(0, "up 3 days"), "edge_b": Runs(2), "edge_c": Runs()}
    if state == "running":
        hosts["edge_c"].gate = asyncio.Event()
    store = Store(clock=lambda: NOW)
    made = session(fill(store, HOSTS), start_view="hosts", make_site=Fleet(**hosts).make)
    made.make_context = lambda: context_of(FakePlane(), store, False)

    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        await press(pilot, ":", *"site run edge-a edge-b edge-c -- uptime", "enter", "tab", "enter")
        words = "1 at work" if state == "running" else "2 done"
        await until(pilot, lambda: words in flat(pilot) and "1 failed" in flat(pilot))

    assert snap_compare(EdgewrightApp(made), terminal_size=size, run_before=ready)
