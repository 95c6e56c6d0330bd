from __future__ import annotations

import asyncio

from tests.tui.driving import console, newest_message, press, said, settle, until, view
from tests.tui.plane import FakePlane
from tests.tui.samples import NOW, event, host
from tui.screens.host.screen import HostScreen
from tui.screens.pulse.screen import PulseScreen
from tui.widgets.line_view import LineView
from tui.widgets.virtual_table import VirtualTable


async def test_enter_opens_what_is_wrong_and_back_restores_the_cursor() -> None:
    async with console() as (pilot, _, _):
        await press(pilot, "down", "down")
        assert pilot.app.screen.query_one("#problems", LineView).cursor_key == "host/uid-edge-7f3a/silent"
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "host")
        await until(pilot, lambda: "MACHINE" in said(pilot))
        assert "No heartbeat from edge-7f3a for 14 min." in said(pilot)
        await press(pilot, "escape")
        assert view(pilot) == "pulse"
        assert pilot.app.screen.query_one("#problems", LineView).cursor_key == "host/uid-edge-7f3a/silent"


async def test_tab_goes_from_part_to_part() -> None:
    async with console() as (pilot, _, _):
        problems = pilot.app.screen.query_one("#problems", LineView)
        assert problems.cursor_key == "token/tok-shop/ends"
        await press(pilot, "tab")
        assert problems.cursor_key == "site/hamburg-01/link"
        await press(pilot, "tab")
        assert problems.cursor_key == "token/tok-shop/ends"


async def test_tab_reaches_every_pane_of_a_wall() -> None:
    async with console(size=(200, 60)) as (pilot, _, _):
        seen = []
        for _ in range(4):
            seen.append(pilot.app.focused.id if pilot.app.focused else "")
            await press(pilot, "tab")
        assert seen == ["problems", "problems", "feed", "board"]
        await press(pilot, "shift+tab")
        assert pilot.app.focused is not None


async def test_acknowledge_moves_a_problem_down_and_again_takes_it_back() -> None:
    async with console() as (pilot, _, made):
        await press(pilot, "tab", "a")
        assert "hamburg-01" in newest_message(made)
        await until(pilot, lambda: "seen" in said(pilot))
        lines = said(pilot).splitlines()
        assert next(index for index, one in enumerate(lines) if "hamburg-01" in one) > next(
            index for index, one in enumerate(lines) if "edge-7f3a" in one
        )
        await press(pilot, "a")
        await until(pilot, lambda: " seen" not in said(pilot))


async def test_the_cursor_stays_on_its_problem_when_others_come() -> None:
    async with console() as (pilot, _, made):
        await press(pilot, "down", "down")
        screen = pilot.app.screen
        assert isinstance(screen, PulseScreen)
        made.store.acknowledge("site/hamburg-01/link")
        await settle(pilot)
        assert screen.query_one("#problems", LineView).cursor_key == "host/uid-edge-7f3a/silent"


async def test_raw_masks_secrets_and_searches() -> None:
    async with console("host", "uid-edge-7f3a") as (pilot, _, _):
        await press(pilot, "y")
        await until(pilot, lambda: view(pilot) == "raw")
        assert "ewt_very-secret-token" not in said(pilot)
        await press(pilot, "slash", *"bootslot", "enter")
        screen = pilot.app.screen
        assert screen.count() == "bootslot: 1 of 1"  # type: ignore[attr-defined]
        await press(pilot, "n", "escape")
        assert view(pilot) == "host"


async def test_a_list_comes_back_with_cursor_filter_and_marks() -> None:
    async with console("tokens") as (pilot, _, _):
        await press(pilot, "slash", *"shops", "enter")
        table = pilot.app.screen.query_one(VirtualTable)
        await press(pilot, "space", "down")
        before = (table.cursor_key, table.marks, tuple(table.keys))
        assert before[1] == {"tok-shop"}
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "token")
        await press(pilot, "escape")
        assert view(pilot) == "tokens"
        assert (table.cursor_key, table.marks, tuple(table.keys)) == before


async def test_filter_narrows_while_it_is_typed_and_escape_takes_it_back() -> None:
    async with console("tokens") as (pilot, _, _):
        table = pilot.app.screen.query_one(VirtualTable)
        await press(pilot, "slash", *"laptop")
        assert list(table.keys) == ["tok-lost"]
        await press(pilot, "escape")
        assert len(table.keys) == 4
        await press(pilot, "slash", *"nothing", "enter")
        assert "No token matches nothing." in said(pilot)
        await press(pilot, "escape")
        assert len(table.keys) == 4


async def test_events_follow_until_the_cursor_is_moved() -> None:
    async with console("events") as (pilot, _, made):
        table = pilot.app.screen.query_one(VirtualTable)
        made.store.emit("plane", "feed.seen", {"docs": [event("e9", 1, "Normal", "kiel-05", "came back")]}, NOW)
        await settle(pilot)
        assert table.cursor_key == "e9"
        await press(pilot, "down")
        made.store.emit("plane", "feed.seen", {"docs": [event("e10", 0, "Normal", "kiel-05", "again")]}, NOW)
        await settle(pilot)
        assert table.cursor_key == "e1"
        await press(pilot, "s")
        assert table.cursor_key == "e10"


async def test_an_event_leads_to_its_host_and_tab_to_the_audit() -> None:
    async with console("events") as (pilot, _, _):
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "entry")
        assert "DiskPressure" in said(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == "host")
        await press(pilot, "escape", "escape", "tab")
        await until(pilot, lambda: view(pilot) == "audit")


async def test_a_lost_plane_keeps_everything_and_says_its_age() -> None:
    async with console("host", "uid-edge-0c11", state="lost", make_context=None) as (pilot, _, _):
        await settle(pilot)
        assert "MACHINE" in said(pilot)
        assert "Management plane unreachable; data from" in said(pilot)
        await press(pilot, "1")
        await until(pilot, lambda: view(pilot) == "pulse")
        assert pilot.app.screen.query_one("#problems", LineView).dim_all


async def test_a_fetch_says_so_and_escape_stops_it() -> None:
    plane = FakePlane()
    plane.gate = asyncio.Event()
    async with console("host", "uid-edge-7f3a", plane=plane) as (pilot, _, _):
        assert "Fetching this host from the plane" in said(pilot)
        await press(pilot, "escape")
        assert view(pilot) == "host"
        assert "Stopped." in said(pilot)
        plane.gate.set()
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: "Stopped." not in said(pilot))


async def test_a_failed_fetch_is_a_sentence_and_the_rest_stays() -> None:
    from edgewright.core.errors import Unreachable

    plane = FakePlane()
    plane.failure = Unreachable("Nothing listens at 10.4.0.2:8443.", "Is the hub running?")
    async with console("host", "uid-edge-7f3a", plane=plane) as (pilot, _, _):
        await until(pilot, lambda: "Nothing listens at 10.4.0.2:8443." in said(pilot))
        assert "No heartbeat from edge-7f3a" in said(pilot)


async def test_a_deleted_host_says_so() -> None:
    async with console("host", "uid-edge-7f3a") as (pilot, _, made):
        made.store.emit("plane", "hosts.gone", {"uids": ["uid-edge-7f3a"]})
        await settle(pilot)
        assert "not in the list any more" in said(pilot)


async def test_virtual_cards_unfold_with_v() -> None:
    async with console("host", "uid-edge-7f3a", size=(80, 120)) as (pilot, _, _):
        await until(pilot, lambda: "28 virtual cards" in said(pilot))
        await press(pilot, "v")
        assert "cali00000000" in said(pilot)


async def test_an_observed_host_offers_no_verb_that_would_change_it() -> None:
    async with console("host", "uid-edge-0c11") as (pilot, _, made):
        screen = pilot.app.screen
        assert isinstance(screen, HostScreen)
        assert {"tag", "delete"} <= {hint.label for hint in screen.key_hints() if hint.enabled}
        doc = host("edge-0c11", "kiel-02", observed=True)
        made.store.emit("plane", "hosts.seen", {"docs": [doc]}, NOW)
        await settle(pilot)
        assert not {"tag", "delete"} & {hint.label for hint in screen.key_hints() if hint.enabled}
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: "only observed" in newest_message(made))


async def test_what_runs_in_the_background_and_breaks_is_told() -> None:
    plane = FakePlane()
    plane.hosts = None  # type: ignore[assignment]
    async with console("host", "uid-edge-7f3a", plane=plane) as (pilot, _, made):
        await until(pilot, lambda: "A bug in Edgewright" in newest_message(made))


async def test_a_dead_link_leads_to_the_hosts_behind_it() -> None:
    async with console() as (pilot, _, _):
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: view(pilot) == "hosts")
        assert sorted(pilot.app.screen.query_one(VirtualTable).keys) == ["uid-hh-0", "uid-hh-1", "uid-hh-2"]
        await press(pilot, "escape")
        await until(pilot, lambda: view(pilot) == "pulse")
