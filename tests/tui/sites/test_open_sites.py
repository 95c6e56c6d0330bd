"""Several sites at once: connections stay while other screens are shown; the list, switching, the title; progress."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.clients.ssh.probes.sets import chosen
from edgewright.commands.site.opened import Site
from edgewright.core.errors import Refused, Unreachable
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, until, view
from tests.tui.samples import NOW, fill, session
from tests.tui.sites.site_host import FINE, FULL, Sites, StandInHost
from tests.tui.sites.test_doctor_screen import SIZES, doctor, fixed_clock, flat
from tui.app import EdgewrightApp
from tui.frame.title import title_line
from tui.screens.site.opens import MOST, is_shown

__all__ = ["fixed_clock"]


class Fleet:
    """Makes a site for each target; `hosts` are the connections by target, `sites` what was made."""

    def __init__(self, **hosts: StandInHost | Exception) -> None:
        self.hosts, self.sites, self.asked = hosts, dict[str, Site](), list[str]()

    def make(self, target: str) -> Site:
        async def reach(asker: Any) -> Any:
            self.asked.append(target)
            host = self.hosts[target.replace("-", "_")]
            if isinstance(host, Exception):
                raise host
            host.alive = True
            return host

        self.sites[target] = Site(target, reach, now=lambda: NOW, pauses=(30.0,))
        return self.sites[target]


def fleet() -> Fleet:
    return Fleet(store_7=StandInHost(FULL), store_8=StandInHost(FINE))


async def opened(pilot: Driven, *targets: str) -> None:
    for target in targets:
        await press(pilot, ":", *f"site open {target}", "enter")
        await until(pilot, lambda: "read 0s ago" in flat(pilot))


def test_a_console_without_a_plane_names_the_plane_and_not_the_sites_as_missing() -> None:
    made = session(Store(clock=lambda: NOW))
    made.context_name = made.plane = ""
    assert "○ not connected" in title_line(made, NOW, 80).plain
    made.sites["store-7"] = fleet().make("store-7")
    assert "1 site  ○ no plane" in title_line(made, NOW, 80).plain


async def test_a_connection_stays_while_other_screens_are_shown_and_is_taken_again() -> None:
    made = fleet()
    async with console("hosts", make_site=made.make) as (pilot, _, session):
        await opened(pilot, "store-7")
        await press(pilot, "escape")
        assert view(pilot) == "hosts" and session.sites["store-7"].is_open
        assert "1 site" in frame_text(pilot.app, "title")
        await opened(pilot, "store-7")
        host = made.hosts["store_7"]
        assert made.asked == ["store-7"] and isinstance(host, StandInHost) and len(host.scripts) == 1
        await press(pilot, "R")
        await until(pilot, lambda: len(host.scripts) == 2)


async def test_the_list_shows_state_and_cause_and_switches_and_closes() -> None:
    made = fleet()
    async with console("hosts", make_site=made.make) as (pilot, _, session):
        await opened(pilot, "store-7", "store-8")
        seven, eight = made.sites["store-7"], made.sites["store-8"]
        assert is_shown(pilot.app, eight) and not is_shown(pilot.app, seven)
        await press(pilot, "n")
        assert view(pilot) == "site-network" and is_shown(pilot.app, eight) and not is_shown(pilot.app, seven)
        await press(pilot, "escape")
        await press(pilot, "o")
        assert is_shown(pilot.app, eight) and is_shown(pilot.app, seven)
        assert view(pilot) == "sites" and "2 of 8" in frame_text(pilot.app, "crumb")
        rows = [row for row in said(pilot).splitlines() if "store-" in row]
        assert "open" in rows[0] and "/ is full" in rows[0] and "no fault found" in rows[1]
        await press(pilot, "enter")
        assert view(pilot) == "doctor" and "site store-7" in frame_text(pilot.app, "title")
        await press(pilot, "o", "down", "ctrl+d")
        assert list(session.sites) == ["store-7"] and "store-8 is closed" in newest_message(session)
        assert not made.hosts["store_8"].alive  # type: ignore[union-attr]
        await press(pilot, "ctrl+d")
        assert session.sites == {} and "No site is open." in said(pilot)


async def test_a_lost_site_is_counted_in_every_title_and_said_once() -> None:
    made = fleet()
    async with console("hosts", make_site=made.make, size=(132, 43)) as (pilot, _, session):
        await opened(pilot, "store-7", "store-8")
        made.hosts["store_7"].alive = False  # type: ignore[union-attr]
        made.hosts["store_7"] = Unreachable("Nothing answers.")
        await until(pilot, lambda: "1 other site lost" in frame_text(pilot.app, "title"))
        assert "The connection to store-7" in newest_message(session)
        await press(pilot, "2")
        assert "1 of 2 sites lost" in frame_text(pilot.app, "title")
        await press(pilot, "o")
        assert said(pilot).splitlines()[1].startswith("▬  store-7") and "lost" in said(pilot)
        back = StandInHost(FINE)
        made.hosts["store_7"] = back
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: session.sites["store-7"].is_open and bool(back.scripts))
        await until(pilot, lambda: "2 sites" in frame_text(pilot.app, "title"))
        assert "store-7 is connected again" in newest_message(session)


async def test_what_was_never_connected_is_not_open_and_there_is_an_end() -> None:
    made = Fleet(away=Refused("The key is refused."))
    async with console("hosts", make_site=made.make) as (pilot, _, session):
        await press(pilot, ":", *"site open away", "enter")
        await until(pilot, lambda: "The key is refused." in flat(pilot))
        await press(pilot, "escape")
        assert session.sites == {}
        for number in range(MOST):
            session.sites[f"h{number}"] = Site(f"h{number}", made.make("away")._reach)
        await press(pilot, ":", *"site open away", "enter")
        assert "8 sites are open" in flat(pilot) and "away" not in session.sites
        session.sites.clear()


async def test_the_end_of_the_console_ends_the_connections() -> None:
    made = fleet()
    async with console("hosts", make_site=made.make) as (pilot, _, _session):
        await opened(pilot, "store-7")
        await press(pilot, "2")
    assert not made.hosts["store_7"].alive  # type: ignore[union-attr]


def app_of(made: Fleet, *targets: str) -> Any:
    store = Store(clock=lambda: NOW)
    console = EdgewrightApp(session(fill(store), start_view="sites", make_site=made.make))
    for target in targets:
        console.session.sites[target] = made.make(target)
    return console


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
@pytest.mark.parametrize("state", ["empty", "open", "lost", "connecting"])
def test_pictures(snap_compare: Callable[..., bool], size: tuple[int, int], state: str) -> None:
    made = fleet()
    app = app_of(made, *(("store-7", "store-8") if state != "empty" else ()))

    async def ready(pilot: Driven) -> None:
        from edgewright.clients.ssh.auth.asking import NoAnswers

        for site in app.session.sites.values() if state in ("open", "lost") else ():
            await site.connect(NoAnswers())
            await site.read()
        if state == "lost":
            await app.session.sites["store-7"].broke(Unreachable("The connection broke."))
        app.screen.select()
        app.screen.show_frame()

    assert snap_compare(app, terminal_size=size, run_before=ready)


async def test_a_run_shows_how_far_it_is_and_how_it_is_stopped() -> None:
    host, probes = StandInHost(FULL), len(chosen())
    host.gate, host.part = asyncio.Event(), 330
    async with doctor(Sites(host)) as (pilot, _, made):
        await until(pilot, lambda: "esc stop reading" in frame_text(pilot.app, "keys"))
        pilot.app.screen.tick()
        assert (
            f"Reading {probes} probes in one round trip. esc stops it. 1 of {probes} answered, 330 B so far, "
            in flat(pilot)
        )
        assert "network.duplicate runs." in flat(pilot)
        made.now = lambda: NOW + 12
        pilot.app.screen.show_frame()
        assert f"reading 1 of {probes} answered, 330 B, 12s, nothing for 12s" in frame_text(pilot.app, "crumb")
        made.now = lambda: NOW + 3
        pilot.app.screen.show_frame()
        assert frame_text(pilot.app, "crumb").endswith("330 B, 3s"), "it may be at a probe that takes a while"
        host.gate.set()
        await until(pilot, lambda: "probes in 1 round trip, 2.1 s" in frame_text(pilot.app, "crumb"))
        host.gate.clear()
        await press(pilot, "R")
        await until(pilot, lambda: f"reading 1 of {probes} answered" in frame_text(pilot.app, "crumb"))
        assert "esc stop reading" in frame_text(pilot.app, "keys") and "/ is full" in flat(pilot)
