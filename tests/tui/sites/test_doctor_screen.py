"""Doctor on a site: what is shown in each state, what the keys do, and what happens when the connection breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.journal import open_journal
from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import document
from edgewright.core.errors import Refused, Unreachable
from edgewright.core.text import cells
from edgewright.store.engine.store import Store
from tests.core.doctor.healthy import HEALTHY
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, settle, until, view
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tests.tui.samples import host as host_document
from tests.tui.sites.log_host import LogHost
from tests.tui.sites.site_host import FINE, FULL, LOW, Sites, StandInHost
from tui.app import EdgewrightApp
from tui.screens.doctor.content import SiteView, body
from tui.screens.doctor.screen import DoctorScreen
from tui.screens.doctor.title import site_title
from tui.session import Session

Compare = Callable[..., bool]
SIZES = ((80, 24), (132, 43), (200, 60))
TARGET = "kairos@edge-7f3a"


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


def flat(pilot: Driven) -> str:
    """Return the text of the screen, words with one space between."""
    return " ".join(said(pilot).split())


def doctor(sites: Sites, size: tuple[int, int] = (80, 24), **fields: Any) -> Any:
    return console("doctor", TARGET, size=size, make_site=sites.make, **fields)


def read(pilot: Driven) -> Callable[[], bool]:
    return lambda: "read 0s ago" in flat(pilot)


async def test_the_cause_comes_first_with_its_command_and_the_evidence_on_enter() -> None:
    sites = Sites(StandInHost(FULL))
    async with doctor(sites) as (pilot, _, _):
        await until(pilot, read(pilot))
        text = said(pilot)
        assert text.splitlines()[0].startswith("LIKELY CAUSE   sure")
        assert "/ is full (0 KB free of" in text and "journalctl --vacuum-size=500M" in text
        assert "follows from the above" in text and "Nothing was changed on this host." in text
        assert frame_text(pilot.app, "title").startswith("edgewright  site edge-7f3a by SSH via jump.berlin  ")
        assert "• open 0s" in frame_text(pilot.app, "title")
        assert "probes in 1 round trip, 2.1 s" in frame_text(pilot.app, "crumb")
        assert "disk.space: / 100" not in text
        await press(pilot, "enter")
        assert "disk.space: /: 100 % used" in flat(pilot)
        await press(pilot, "enter")
        assert "disk.space: /: 100 % used" not in flat(pilot)


async def test_the_cursor_stays_on_its_finding_when_it_is_read_again() -> None:
    host = StandInHost(FULL)
    async with doctor(Sites(host)) as (pilot, _, _):
        await until(pilot, read(pilot))
        await press(pilot, "down", "down")
        facts = pilot.app.screen.query_one("#facts")
        key = facts.cursor_key
        assert key.startswith("finding/") and key != "finding/disk-full:/"
        await press(pilot, "R")
        await until(pilot, lambda: len(host.scripts) == 2)
        assert facts.cursor_key == key


async def test_escape_stops_a_run_first_and_leaves_then() -> None:
    host = StandInHost(FULL)
    host.gate = asyncio.Event()
    sites = Sites(host)
    async with console("hosts", make_site=sites.make) as (pilot, _, made):
        await press(pilot, "s")
        assert view(pilot) == "doctor"
        await until(pilot, lambda: "Reading 57 probes in one round trip" in flat(pilot))
        await press(pilot, "escape")
        assert view(pilot) == "doctor" and "Stopped." in flat(pilot)
        host.gate.set()
        await press(pilot, "R")
        await until(pilot, read(pilot))
        await press(pilot, "escape")
        assert view(pilot) == "hosts" and made.sites["edge-7f3a"].is_open, "the connection stays"
    assert not host.alive


async def test_a_host_is_opened_by_its_name_from_the_list_and_from_its_page() -> None:
    for start, target in (("hosts", ""), ("host", "uid-edge-7f3a")):
        sites = Sites(StandInHost(FINE))
        async with console(start, target, make_site=sites.make) as (pilot, _, made):
            assert "s site" in frame_text(pilot.app, "keys")
            if start == "hosts":
                await press(pilot, "/", *"edge-7f3a", "enter")
            await press(pilot, "s")
            assert list(made.sites) == ["edge-7f3a"] and view(pilot) == "doctor"


async def test_two_marked_hosts_are_not_opened() -> None:
    async with console("hosts", make_site=Sites(StandInHost(FINE)).make) as (pilot, _, made):
        await press(pilot, "space", "down", "space", "s")
        assert view(pilot) == "hosts" and "one at a time" in newest_message(made)


async def test_a_simulated_host_is_not_dialled() -> None:
    sites = Sites(StandInHost(FINE))
    hosts = [host_document("sim-1", "lab", simulated=True)]
    async with console("hosts", hosts=hosts, make_site=sites.make) as (pilot, _, made):
        await press(pilot, "s")
        assert view(pilot) == "hosts" and "is simulated" in newest_message(made) and sites.connections == 0


async def test_what_was_read_stays_when_the_connection_breaks_and_is_read_again_when_it_is_back() -> None:
    host, again = StandInHost(FULL), StandInHost(FINE)
    away = Unreachable("Nothing answers at 10.4.1.7:22.", "", "NoAnswer")
    sites = Sites(host, away, away, again)
    async with doctor(sites) as (pilot, _, _):
        await until(pilot, read(pilot))
        screen = pilot.app.screen
        assert isinstance(screen, DoctorScreen) and screen.site is not None
        screen.site._pauses = (30.0,)
        host.alive = False
        await until(pilot, lambda: "connection lost" in frame_text(pilot.app, "title"))
        assert "▬ connection lost 0s, retry in 30s" in frame_text(pilot.app, "title")
        assert "/ is full" in flat(pilot) and "The connection to kairos@edge-7f3a broke." in flat(pilot)
        assert screen.query_one("#facts").dim_all  # type: ignore[attr-defined]
        screen.site._pauses = (0.01,)
        await press(pilot, "R")
        await until(pilot, lambda: "NO FAULT FOUND" in flat(pilot))
        assert sites.connections == 4 and "• open" in frame_text(pilot.app, "title")


async def test_a_link_that_is_cut_while_probes_run() -> None:
    host = StandInHost(FULL)
    host.gate = asyncio.Event()
    async with doctor(Sites(host, StandInHost(FINE))) as (pilot, _, _):
        await until(pilot, lambda: "Reading 57 probes" in flat(pilot))
        host.alive = False
        host.gate.set()
        await until(pilot, lambda: "NO FAULT FOUND" in flat(pilot))


async def test_a_host_that_needs_the_user_says_which_key_connects_again() -> None:
    host = StandInHost(FULL)
    refused = Refused("edge-7f3a wants a password, and there is no terminal to ask.", "", "AuthenticationFailed")
    sites = Sites(host, refused, refused, StandInHost(FINE))
    async with doctor(sites) as (pilot, _, _):
        await until(pilot, read(pilot))
        host.alive = False
        await until(pilot, lambda: "R connects again." in flat(pilot))
        assert sites.connections == 3 and "not connected" in frame_text(pilot.app, "title")
        await pilot.pause(0.3)
        assert sites.connections == 3  # nothing is tried any more
        await press(pilot, "R")
        await until(pilot, lambda: "NO FAULT FOUND" in flat(pilot))


async def test_a_site_that_is_not_reached_says_so() -> None:
    error = Unreachable("Nothing listens at 10.4.1.7:22.", "Check the port.", "ConnectionRefused")
    async with doctor(Sites(error)) as (pilot, _, _):
        await until(pilot, lambda: "Nothing listens at 10.4.1.7:22. Check the port. R connects again." in flat(pilot))


async def test_a_word_that_is_no_target_is_refused_before_anything_is_dialled() -> None:
    async with console("doctor", "a;b") as (pilot, _, _):
        assert "a;b is not a valid host name or address." in flat(pilot)


async def test_without_a_target_the_ones_before_are_offered(quiet_home: object) -> None:
    from edgewright.commands.site.recent import remember

    remember("kairos@10.4.7.21")
    sites = Sites(StandInHost(FINE))
    async with console("hosts", make_site=sites.make) as (pilot, _, _):
        await press(pilot, ":", *"site open", "enter")
        await until(pilot, lambda: "kairos@10.4.7.21" in flat(pilot))
        await press(pilot, "enter")
        await until(pilot, read(pilot))
        assert "site 10.4.7.21 (edge-7f3a) by SSH via jump.berlin" in frame_text(pilot.app, "title")


async def test_the_command_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(EdgewrightApp, "copy_to_clipboard", lambda self, text: copied.append(text))
    async with doctor(Sites(StandInHost(FULL))) as (pilot, _, made):
        await until(pilot, read(pilot))
        await press(pilot, "c")
        await press(pilot, "enter")
        assert copied == ["journalctl --vacuum-size=500M"] and "Copied: command" in newest_message(made)


async def test_questions_of_a_connection_are_asked_in_the_terminal_that_is_lent() -> None:
    """In a test there is none: what asks gets no answer, and the site is refused with one sentence."""

    async def asks(asker: Any) -> Any:
        return [await asker.secret("Password: ", shown=False), await asker.accept_host_key(None)]

    sites = Sites(StandInHost(FINE), asks=asks)
    async with doctor(sites) as (pilot, _, _):
        await until(pilot, read(pilot))
        assert sites.answers == [[None, None]]


async def test_a_shell_needs_a_connection_and_a_session_that_may_write() -> None:
    """The shell itself: `test_shell_screen.py`."""
    host = StandInHost(FINE)
    async with doctor(Sites(host)) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await until(pilot, read(pilot))
        assert "! shell" in frame_text(pilot.app, "keys")
        made.read_only = True
        await press(pilot, "!")
        assert "read-only" in newest_message(made) and view(pilot) == "doctor"
        made.read_only = False
        host.alive = False
        screen = pilot.app.screen
        assert isinstance(screen, DoctorScreen) and screen.site is not None
        screen.site._pauses = (30.0,)
        await until(pilot, lambda: "connection lost" in frame_text(pilot.app, "title"))
        await press(pilot, "!")
        assert "a shell needs one" in newest_message(made) and "shell" not in frame_text(pilot.app, "keys")


def journalled(plane: FakePlane, made: Session) -> CommandContext:
    context = context_of(plane, made.store, made.read_only)
    context.journal = open_journal()
    return context


async def test_the_log_of_the_unit_that_a_finding_is_about_is_offered_first() -> None:
    host = LogHost(FULL)
    host.write("no space \x1b[2Jleft on device", NOW, "edgewright-agent.service")
    async with doctor(Sites(host)) as (pilot, _, _):
        await until(pilot, read(pilot))
        await press(pilot, "l")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "no space left on device" in flat(pilot))
        assert view(pilot) == "site-log" and "log of edgewright-agent" in frame_text(pilot.app, "crumb")
        await press(pilot, "escape")
        assert view(pilot) == "doctor"


def test_what_is_unsure_is_no_likely_cause() -> None:
    facts = HEALTHY._replace(oom_units=(("docker.service", 3),))
    report = document("edge-1", facts, diagnose(facts), root="sudo", seconds=1.0)
    shown = [row.plain for row in body(SiteView(report, NOW, NOW), 100)]
    assert shown[0].startswith("NO FAULT FOUND") and "LIKELY CAUSE" not in "".join(shown)
    assert shown[1].endswith("what was seen is unsure.") and "ALSO SEEN" in shown


def test_an_age_in_what_is_healthy_counts_from_the_reading() -> None:
    report = document("edge-1", HEALTHY, diagnose(HEALTHY), root="sudo", seconds=1.0)
    report["healthy"] = ["agent registered, last heartbeat 43 s ago"]
    for old, age in ((3, "last heartbeat 43 s ago"), (300, "last heartbeat 43 s before it was read")):
        shown = " ".join(row.plain for row in body(SiteView(report, NOW + old, NOW), 100))
        assert f"{age} " in shown and shown.count("heartbeat") == 1


async def test_a_silent_link_shows_in_the_title_before_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    host = StandInHost(FULL)
    async with doctor(Sites(host)) as (pilot, _, _):
        await until(pilot, read(pilot))
        answer = asyncio.Event()

        async def round_trip(patience: float = 1.0) -> float:
            await answer.wait()
            return 12.0

        monkeypatch.setattr(host, "round_trip", round_trip)
        site = pilot.app.screen.site
        asked = asyncio.create_task(site._measure(host))
        await asyncio.sleep(0)
        early, late = (site_title(site, NOW + later, 120).plain for later in (3, 12))
        assert "• open 3s" in early and "▬ no answer for 12s" in late and site.is_open
        answer.set()
        await asked
        assert "• open 12s  rtt 12.0 s" in site_title(site, NOW + 12, 120).plain


async def test_a_hostile_host_cannot_steer_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e[bold red]x[/]"
    outputs = {**FULL, "identity.host": f"hostname {evil}\nkernel {evil}", "disk.usage": f"23068672 /var/log/{evil}"}
    outputs["units.failed"] = f"evil{evil}.service loaded failed failed"
    async with doctor(Sites(StandInHost(outputs)), (200, 60)) as (pilot, _, _):
        await until(pilot, read(pilot))
        shown = flat(pilot) + frame_text(pilot.app, "title")
        assert not set(shown) & {"\x1b", "\x07", "\u202e"} and "/ is full" in shown


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (80, 24), (132, 43), (200, 60)], ids=str)
async def test_no_line_is_longer_than_the_screen(size: tuple[int, int]) -> None:
    async with doctor(Sites(StandInHost(FULL, "refused")), size) as (pilot, _, _):
        await until(pilot, lambda: len(flat(pilot)) > 40)
        screen = pilot.app.screen
        await press(pilot, "enter")
        for name in ("facts", "detail", "about"):
            pane = screen.query_one(f"#{name}")
            if pane.display:
                assert all(cells(row.plain) <= pane.size.width for row in pane.lines)


# Pictures -------------------------------------------------------------------------------------------------------------


def app_of(sites: Sites) -> EdgewrightApp:
    store = Store(clock=lambda: NOW)
    return EdgewrightApp(session(fill(store), start_view="doctor", start_target=TARGET, make_site=sites.make))


def until_said(text: str, *keys: str) -> Callable[[Driven], Any]:
    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        await until(pilot, lambda: text in flat(pilot) + frame_text(pilot.app, "title"))
        await press(pilot, *keys)

    return ready


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_sure(snap_compare: Compare, size: tuple[int, int]) -> None:
    ready = until_said("rtt 310 ms")
    assert snap_compare(app_of(Sites(StandInHost(FULL))), terminal_size=size, run_before=ready)


def test_evidence(snap_compare: Compare) -> None:
    ready = until_said("rtt 310 ms", "enter")
    assert snap_compare(app_of(Sites(StandInHost(FULL))), terminal_size=(80, 24), run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_unsure(snap_compare: Compare, size: tuple[int, int]) -> None:
    ready = until_said("rtt 310 ms")
    assert snap_compare(app_of(Sites(StandInHost(LOW))), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_healthy(snap_compare: Compare, size: tuple[int, int]) -> None:
    ready = until_said("rtt 310 ms")
    assert snap_compare(app_of(Sites(StandInHost(FINE, via=()))), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_not_read_without_sudo(snap_compare: Compare, size: tuple[int, int]) -> None:
    ready = until_said("rtt 310 ms")
    assert snap_compare(app_of(Sites(StandInHost(FINE, "refused"))), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_running(snap_compare: Compare, size: tuple[int, int]) -> None:
    host = StandInHost(FULL)
    host.gate = asyncio.Event()
    assert snap_compare(app_of(Sites(host)), terminal_size=size, run_before=until_said("Reading 57 probes"))


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
def test_stale(snap_compare: Compare, size: tuple[int, int]) -> None:
    host = StandInHost(FULL)
    sites = Sites(host, Unreachable("Nothing answers at 10.4.1.7:22.", "Check the network.", "NoAnswer"))

    async def ready(pilot: Driven) -> None:
        await until_said("rtt 310 ms")(pilot)
        assert sites.site is not None
        sites.site._pauses = (12.0,)
        host.alive = False
        await until(pilot, lambda: "retry in 12s" in frame_text(pilot.app, "title"))

    assert snap_compare(app_of(sites), terminal_size=size, run_before=ready)
