"""`x` on Doctor: the plan with Cancel first, what came of the fix, its undo, and refusals."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edgewright.commands.kernel.journal import open_journal
from edgewright.commands.site import fix, fix_hosts
from edgewright.core.errors import Unreachable
from tests.commands.site.test_fix import RUNNING, STOPPED, repairing_host
from tests.tui.driving import Driven, frame_text, newest_message, press, until, view
from tests.tui.plane import FakePlane, context_of
from tests.tui.sites.site_host import FULL, Sites, StandInHost
from tests.tui.sites.test_doctor_screen import Compare, app_of, doctor, fixed_clock, flat, journalled, read, until_said
from tui.app import EdgewrightApp

__all__ = ["fixed_clock"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, quiet_home: Path) -> None:
    monkeypatch.setattr(fix, "SETTLE", 0.0)
    monkeypatch.setattr(fix, "AGAIN", 0.0)
    monkeypatch.setattr(fix_hosts, "LOOK", 0.01)


async def test_cancel_is_first_and_the_fix_is_applied_shown_and_taken_back() -> None:
    host = repairing_host(StandInHost(STOPPED))
    async with doctor(Sites(host), (132, 43)) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        assert "x apply a fix" in frame_text(pilot.app, "keys")
        await press(pilot, "x")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "systemctl start kubelet" in flat(pilot) and "systemctl stop kubelet" in flat(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "doctor")
        assert not host.repairs and "cancelled, nothing changed" in newest_message(made)

        await press(pilot, "x")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "No longer there" in flat(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: "NO FAULT FOUND" in flat(pilot))
        assert host.repairs == ["systemctl start kubelet"] and "Applied from here: start kubelet." in flat(pilot)
        assert '"site fix"' in open_journal().path.read_text()

        await press(pilot, "x")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "The fix was taken back." in flat(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: "does not run" in flat(pilot))
        assert host.repairs[1:] == ["systemctl stop kubelet"] and "Nothing was changed" in flat(pilot)


async def test_a_link_that_is_cut_meanwhile_is_connected_again_and_read() -> None:
    def cut() -> str:
        host.alive = False
        raise Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost")

    host = repairing_host(StandInHost(STOPPED), then=cut)
    again = StandInHost(RUNNING)
    async with doctor(Sites(host, again), (132, 43)) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        await press(pilot, "x")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "the host was read after its return" in flat(pilot))
        assert "No longer there" in flat(pilot) and not again.repairs


async def test_escape_stops_waiting_and_the_host_is_read_again() -> None:
    host = repairing_host(StandInHost(STOPPED))
    async with doctor(Sites(host), (132, 43)) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        await press(pilot, "x")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        host.gate = asyncio.Event()
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "running: systemctl start kubelet" in flat(pilot))
        await press(pilot, "escape")
        await until(pilot, lambda: "whether it was done is not known" in newest_message(made))
        host.outputs.update(RUNNING)
        host.gate.set()
        await until(pilot, lambda: "NO FAULT FOUND" in flat(pilot))
        assert "what was done is not known" in open_journal().path.read_text()


async def test_it_is_refused_where_nothing_may_or_can_be_done() -> None:
    host = StandInHost(FULL)
    async with doctor(Sites(host)) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        assert "apply a fix" not in frame_text(pilot.app, "keys")
        await press(pilot, "x")
        assert "There is no fix to apply here" in newest_message(made)
        made.read_only = True
        await press(pilot, "x")
        assert "read-only" in newest_message(made) and not host.repairs


# Pictures -------------------------------------------------------------------------------------------------------------


def fixable(host: StandInHost) -> EdgewrightApp:
    app = app_of(Sites(host))
    app.session.make_context = lambda: context_of(FakePlane(), app.session.store)
    return app


@pytest.mark.parametrize(
    "size",
    [(80, 24), pytest.param((132, 43), marks=pytest.mark.e2e), pytest.param((200, 60), marks=pytest.mark.e2e)],
    ids=["80x24", "132x43", "200x60"],
)
def test_the_plan(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def ready(pilot: Driven) -> None:
        await until_said("rtt 310 ms", "x")(pilot)
        await until(pilot, lambda: view(pilot) == "ConfirmModal")

    assert snap_compare(fixable(StandInHost(STOPPED)), terminal_size=size, run_before=ready)


def test_the_outcome(snap_compare: Compare) -> None:
    async def ready(pilot: Driven) -> None:
        await until_said("rtt 310 ms", "x")(pilot)
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "No longer there" in flat(pilot))

    assert snap_compare(fixable(repairing_host(StandInHost(STOPPED))), terminal_size=(80, 24), run_before=ready)
