"""The Installers screen: builds with their proof, worst first, and what can be done to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgewright.core import times
from edgewright.forge.builds.record import list_builds, new_folder, write_json
from edgewright.forge.builds.recorder import first_record
from tests.tui.driving import Driven, console, newest_message, press, said, settle, until, view
from tests.tui.samples import NOW, fleet, host
from tests.tui.screens.test_screen_pictures import SIZES, Compare, app_of
from tests.tui.wizards.installing import TOKEN, StandIn, every_build, manifest
from tui.frame.builds_watch import hosts_by_build
from tui.screens.installers.screen import InstallersScreen
from tui.terminal.paint.screen_text import screen_text

PROVEN, RUNNING, FAILED = "261123-133000-aa03", "261123-140101-aa01", "261121-080000-aa06"


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "snap_compare" in request.fixturenames:
        monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


def with_builds() -> StandIn:
    stand_in = StandIn()
    stand_in.every = every_build()
    return stand_in


def hosts() -> list[dict[str, Any]]:
    """Return the small fleet, two of its hosts from an installer."""
    came = [host(f"shop-{number}", "berlin-04", tags=["installer:shop-2026"]) for number in (1, 2)]
    for one in came:
        one["status"]["edgewright"]["registeredAt"] = "2026-11-23T13:50:00Z"
    return [*fleet(), *came]


async def ready(pilot: Driven) -> None:
    for _ in range(3):
        await pilot.app.workers.wait_for_complete()
        await settle(pilot)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_list(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = app_of("installers", hosts=hosts(), installer=with_builds())
    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("look", ["ascii", "mono", "light"])
def test_look(snap_compare: Compare, look: str) -> None:
    app = app_of("installers", installer=with_builds(), theme="mono" if look == "ascii" else look)
    app.session.terminal.ascii_only = look == "ascii"
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


def test_empty(snap_compare: Compare) -> None:
    assert snap_compare(app_of("installers", installer=StandIn()), terminal_size=(80, 24), run_before=ready)


@pytest.mark.parametrize("size", SIZES[:2], ids=["80x24", "132x43"])
@pytest.mark.parametrize("which", ["proven", "checked", "unproven", "running", "queued", "failed", "lost", "refused"])
def test_one(snap_compare: Compare, which: str, size: tuple[int, int]) -> None:
    stand_in = with_builds()
    states = {"proven": 2, "checked": 3, "unproven": 4, "running": 0, "queued": 1, "failed": 5, "lost": 6, "refused": 3}
    shown = stand_in.every[states[which]]
    if which == "refused":
        stand_in.every = [shown._replace(manifest=manifest("lab-usb", proof="failed"))]
    app = app_of("installer", shown.build.id, hosts=hosts(), installer=stand_in)
    assert snap_compare(app, terminal_size=size, run_before=ready)


def test_log(snap_compare: Compare) -> None:
    app = app_of("installer-log", RUNNING, installer=with_builds())
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


def test_no_picture_shows_a_secret() -> None:
    pictures = Path(__file__).parents[3] / "snapshots" / "tui" / "screens" / Path(__file__).stem
    found = sorted(pictures.glob("*.svg"))
    assert len(found) > 15
    assert not [one.name for one in found if TOKEN in one.read_text("utf-8")]


async def test_problems_come_first_and_the_cursor_stays_on_its_build() -> None:
    stand_in = with_builds()
    async with console("installers", installer=stand_in) as (pilot, _, _):
        screen = pilot.app.screen
        assert isinstance(screen, InstallersScreen)
        await until(pilot, lambda: len(screen.table.keys) == 8)
        assert screen.table.keys[0] == FAILED
        screen.table.point_at(PROVEN)
        stand_in.every = stand_in.every[:4]
        await until(pilot, lambda: len(screen.table.keys) == 4)
        assert screen.table.cursor_key == PROVEN


async def test_nothing_is_looked_at_while_the_screen_is_hidden() -> None:
    stand_in = with_builds()
    async with console("installers", installer=stand_in) as (pilot, _, _):
        screen = pilot.app.screen
        assert isinstance(screen, InstallersScreen)
        await until(pilot, lambda: bool(screen.table.keys))
        await press(pilot, "1")
        await until(pilot, lambda: view(pilot) == "pulse")
        await pilot.app.workers.wait_for_complete()
        looks: list[int] = []
        stand_in.look = lambda: looks.append(1) or []  # type: ignore[method-assign,func-returns-value]
        screen.look_again()
        await pilot.app.workers.wait_for_complete()
        assert not looks


async def test_a_build_is_opened_and_left_running() -> None:
    async with console("pulse", installer=with_builds()) as (pilot, _, _):
        await press(pilot, "6")
        await until(pilot, lambda: "34%" in screen_text(pilot.app))
        await press(pilot, "down", "down", "enter")
        await until(pilot, lambda: view(pilot) == "installer" and "writing the ISO" in said(pilot))
        assert "8 s left" in said(pilot) and "96 MB/s" in said(pilot)
        assert "leaves it running" in said(pilot)
        await press(pilot, "l")
        await until(pilot, lambda: view(pilot) == "installer-log" and "reading it back" in said(pilot))
        await press(pilot, "escape", "escape")
        assert view(pilot) == "installers"


async def test_the_first_build_that_comes_can_be_opened() -> None:
    stand_in = StandIn()
    async with console("installers", installer=stand_in) as (pilot, _, _):
        await until(pilot, lambda: "No installer yet." in said(pilot))
        stand_in.every = every_build()[:1]
        await until(pilot, lambda: "34%" in screen_text(pilot.app))
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "installer")


async def test_the_key_line_offers_what_makes_sense() -> None:
    async with console("installer", RUNNING, installer=with_builds()) as (pilot, _, _):
        await until(pilot, lambda: "writing the ISO" in said(pilot))
        keys = screen_text(pilot.app).rstrip().splitlines()[-1]
        assert "x stop" in keys and "forget" not in keys and "verify" not in keys
    async with console("installer", PROVEN, installer=with_builds()) as (pilot, _, _):
        await until(pilot, lambda: "seen to register" in said(pilot))
        keys = screen_text(pilot.app).rstrip().splitlines()[-1]
        assert "v verify" in keys and "ctrl+d forget" in keys and "x stop" not in keys
    async with console("installer", PROVEN, installer=with_builds(), read_only=True) as (pilot, _, _):
        await until(pilot, lambda: "seen to register" in said(pilot))
        keys = screen_text(pilot.app).rstrip().splitlines()[-1]
        assert "verify" not in keys and "forget" not in keys


def ended_build(name: str) -> str:
    folder = new_folder()
    told_so = {"state": "failed", "ended": times.now(), "error": {"code": "X", "message": "It broke.", "hint": "Mend."}}
    write_json(folder / "build.json", {**first_record("iso", name), **told_so})
    return folder.name


async def test_forgetting_shows_its_plan_and_takes_the_record_away() -> None:
    uid = ended_build("depot")
    async with console("installers") as (pilot, _, made):
        await until(pilot, lambda: "It broke." in screen_text(pilot.app))
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert f"edgewright build delete {uid}" in said(pilot)
        await press(pilot, "escape")
        assert [one.id for one in list_builds()] == [uid]
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: list_builds() == [])
        await until(pilot, lambda: "No installer yet." in said(pilot))
        assert newest_message(made)


async def test_a_build_that_has_ended_is_not_stopped_but_told() -> None:
    ended_build("depot")
    async with console("installers") as (pilot, _, made):
        await until(pilot, lambda: "It broke." in screen_text(pilot.app))
        await press(pilot, "x")
        await until(pilot, lambda: "has ended" in newest_message(made))


async def test_a_proof_of_what_made_no_iso_is_refused() -> None:
    ended_build("depot")
    async with console("installers") as (pilot, _, made):
        await until(pilot, lambda: "It broke." in screen_text(pilot.app))
        await press(pilot, "v")
        await until(pilot, lambda: "has no ISO to boot" in newest_message(made))


def test_hosts_are_told_by_the_tag_of_their_installer() -> None:
    from edgewright.store.engine.store import Store
    from tests.tui.samples import fill

    store = fill(Store(clock=lambda: NOW), hosts())
    came = hosts_by_build(store.model.hosts.values(), every_build())
    assert [one.split("\t")[1] for one in came[PROVEN]] == ["shop-1", "shop-2"]


@pytest.mark.parametrize("target", ["installers", "installer"])
async def test_a_tiny_terminal_does_not_break_it(target: str) -> None:
    async with console(target, PROVEN if target == "installer" else "", size=(20, 5), installer=with_builds()) as (
        pilot,
        _,
        _,
    ):
        await press(pilot, "down", "tab", "question_mark", "escape")
        assert view(pilot) == target
