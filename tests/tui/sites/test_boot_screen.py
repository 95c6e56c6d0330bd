"""Boot of a site: slot and why, what can be done, plans with Cancel first, a typed name, what is not possible."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.commands.kernel.journal import open_journal
from edgewright.core.errors import EdgewrightError, Unreachable
from edgewright.store.engine.store import Store
from tests.core.boot.test_boot import ACTIVE, KAIROS, PASSIVE
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, settle, until, view
from tests.tui.samples import NOW, fill, session
from tests.tui.sites.site_host import FINE, Sites, StandInHost
from tests.tui.sites.test_doctor_screen import journalled
from tui.app import EdgewrightApp
from tui.verbs.bindings import messages_key

Compare = Callable[..., bool]
TARGET = "kairos@edge-7f3a"
NONE = ("uid 0", "name edge-7f3a", "boot 11111111-2222-3333-4444-555555555555", "cmdline root=/dev/sda1", "end 1")


class BootHost(StandInHost):
    """Prints `lines` when its boot is read, and takes what sets its next one."""

    def __init__(self, *lines: str) -> None:
        super().__init__(FINE)
        self.lines = lines
        self.set: list[str] = []
        self.boot_gate: asyncio.Event | None = None
        self.lost = False

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        text = script.decode()
        if "next_entry" in text:
            entry = text.partition("ENTRY='")[2].partition("'")[0]
            self.set.append(entry)
            if self.lost:
                raise Unreachable("The connection ended.", "", "ConnectionLost")
            return ScriptResult(0, f"set {entry}\n".encode(), b"", False, 0.3)
        if "show boot" in text:
            if self.boot_gate is not None:
                await self.boot_gate.wait()
            return ScriptResult(0, "\n".join(self.lines).encode(), b"", False, 0.3)
        return await super().run_script(script, timeout=timeout, limit=limit, sudo=sudo)


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


@asynccontextmanager
async def boot(host: BootHost, size: tuple[int, int] = (132, 43)) -> AsyncIterator[tuple[Driven, Any]]:
    """Yield the Boot page of an open site."""
    async with console("doctor", TARGET, size=size, make_site=Sites(host).make) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await opened(pilot)
        yield pilot, made


async def opened(pilot: Driven) -> None:
    await settle(pilot)
    await until(pilot, lambda: "read 0s ago" in " ".join(said(pilot).split()))
    # Else it comes before or after a picture.
    await until(pilot, lambda: "rtt 310 ms" in frame_text(pilot.app, "title"))
    await press(pilot, "b")
    assert view(pilot) == "site-boot"
    await until(pilot, lambda: "WHAT CAN BE DONE" in said(pilot))


def modal(pilot: Driven) -> str:
    """Return the text of a dialog."""
    found = pilot.app.screen.query("#plan")
    return "\n".join(row.plain for view in found for row in view.lines)  # type: ignore[attr-defined]


async def test_the_help_of_a_page_has_the_keys_of_the_site_and_its_title() -> None:
    async with boot(BootHost(*NONE)) as (pilot, _):
        assert messages_key(pilot.app.screen) == ":messages", "! opens a shell here"
        await press(pilot, "question_mark")
        await until(pilot, lambda: "HERE: BOOT" in said(pilot))
        shown = " ".join(said(pilot).split())
        for row in ("A :site boot-active", "R :site again", "! :site shell", "l :site logs", "B :site bundle"):
            assert f" {row} " in shown, row
        assert shown.count(":site again") == 1 and shown.index("! :site shell") < shown.index("EVERYWHERE")
        assert "site edge-7f3a by SSH" in frame_text(pilot.app, "title")


async def test_a_reading_is_stopped_by_escape_and_what_was_read_stays() -> None:
    host = BootHost(PASSIVE, *KAIROS)
    async with boot(host) as (pilot, made):
        host.boot_gate = asyncio.Event()
        await press(pilot, "R")
        await until(pilot, lambda: "esc stop reading" in frame_text(pilot.app, "keys"))
        made.now = lambda: NOW + 7
        pilot.app.screen.show_frame()  # type: ignore[attr-defined]
        assert "reading 7s" in frame_text(pilot.app, "crumb")
        await press(pilot, "escape")
        await until(pilot, lambda: "Stopped." in said(pilot))
        assert view(pilot) == "site-boot" and "fell back" in said(pilot)
        host.boot_gate.set()
        await press(pilot, "R")
        await until(pilot, lambda: "Stopped." not in said(pilot) and "R read again" in frame_text(pilot.app, "keys"))
        await press(pilot, "escape")
        assert view(pilot) == "doctor"


async def test_the_way_back_shows_its_commands_and_is_cancelled_by_enter() -> None:
    host = BootHost(PASSIVE, *KAIROS)
    async with boot(host) as (pilot, made):
        assert "passive" in said(pilot) and "fell back" in said(pilot)
        assert "grub2-editenv /oem/grubenv set next_entry=cos" in said(pilot)
        await press(pilot, "A")
        await until(pilot, lambda: "next_entry=cos" in modal(pilot))
        await press(pilot, "enter")
        assert host.set == [] and "cancelled" in newest_message(made)
        await press(pilot, "A")
        await until(pilot, lambda: "next_entry=cos" in modal(pilot))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: host.set == ["cos"])
        await until(pilot, lambda: "restarts" in newest_message(made))
        host.lines = (ACTIVE, *(line.replace("boot 1", "boot 2") for line in KAIROS))
        await press(pilot, "R")
        await until(pilot, lambda: "was restarted; slot: active" in newest_message(made))
    entries = [entry for entry in open_journal().entries() if entry.command == "site boot-active"]
    assert [bool(entry.outcome) for entry in entries] == [True]


async def test_a_link_that_is_lost_while_the_boot_is_set_is_an_outcome_that_is_not_known() -> None:
    host = BootHost(PASSIVE, *KAIROS)
    host.lost = True
    async with boot(host) as (pilot, _):
        await press(pilot, "A")
        await until(pilot, lambda: "next_entry=cos" in modal(pilot))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: host.set == ["cos"])
        await until(pilot, lambda: any(e.command == "site boot-active" and e.outcome for e in open_journal().entries()))
    text = open_journal().path.read_text()
    assert "OutcomeUnknown" in text and "Whether the next boot of edge-7f3a was set is not known." in text


async def test_the_passive_slot_wants_a_yes_and_a_reset_the_name_of_the_host() -> None:
    host = BootHost(ACTIVE, *KAIROS)
    async with boot(host) as (pilot, _):
        await press(pilot, "A")
        assert host.set == []
        await press(pilot, "P")
        await until(pilot, lambda: "next_entry=fallback" in modal(pilot))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: host.set == ["fallback"])
        host.set.clear()
        await press(pilot, "X")
        await until(pilot, lambda: "RETAINED /oem" in modal(pilot))
        assert "EMPTIED  persistent data" in modal(pilot)
        await press(pilot, "tab", *"edge-7f3b", "enter")
        assert host.set == []
        await press(pilot, "backspace", "a", "enter")
        await until(pilot, lambda: host.set == ["statereset"])


async def test_what_is_not_possible_says_why() -> None:
    host = BootHost(*NONE)
    async with boot(host, (80, 24)) as (pilot, made):
        assert "This host has no slots" in said(pilot)
        await press(pilot, "X")
        await until(pilot, lambda: "no slots" in newest_message(made))
        await press(pilot, "ctrl+o", "A")
        assert "read-only" in newest_message(made) and host.set == []


async def test_a_lost_connection_leaves_what_was_read() -> None:
    host = BootHost(PASSIVE, *KAIROS)
    async with boot(host) as (pilot, made):
        made.sites[TARGET]._pauses = (30.0,)
        host.alive = False
        await until(pilot, lambda: "connection lost" in frame_text(pilot.app, "title"))
        screen: Any = pilot.app.screen
        assert screen.query_one("#boot").dim_all and "fell back" in said(pilot)
        await press(pilot, "X")
        assert "There is no connection" in newest_message(made)


# Pictures -------------------------------------------------------------------------------------------------------------

SIZES = (
    pytest.param((80, 24), id="80x24"),
    pytest.param((132, 43), id="132x43", marks=pytest.mark.e2e),
    pytest.param((200, 60), id="200x60", marks=pytest.mark.e2e),
)


def app_of(*hosts: BootHost | EdgewrightError) -> EdgewrightApp:
    store, sites = Store(clock=lambda: NOW), Sites(*hosts)
    return EdgewrightApp(session(fill(store), start_view="doctor", start_target=TARGET, make_site=sites.make))


@pytest.mark.parametrize("size", SIZES)
def test_picture_after_a_failed_upgrade(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(BootHost(PASSIVE, *KAIROS)), terminal_size=size, run_before=opened)


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lines", [(ACTIVE, *KAIROS), NONE], ids=["active", "no-slots"])
def test_picture_of_a_healthy_host(snap_compare: Compare, size: tuple[int, int], lines: tuple[str, ...]) -> None:
    assert snap_compare(app_of(BootHost(*lines)), terminal_size=size, run_before=opened)


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", ["loading", "faulty", "stale"])
def test_picture_of_a_state(snap_compare: Compare, size: tuple[int, int], state: str) -> None:
    host = BootHost(*((PASSIVE, *KAIROS) if state == "stale" else ()))
    texts = {"loading": "Reading how", "faulty": "no usable answer", "stale": "connection lost"}

    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        await until(pilot, lambda: "rtt 310 ms" in frame_text(pilot.app, "title"))
        host.boot_gate = asyncio.Event() if state == "loading" else None
        await press(pilot, "b")
        if state == "stale":
            await until(pilot, lambda: "WHAT CAN BE DONE" in said(pilot))
            host.alive = False
        await until(pilot, lambda: texts[state] in said(pilot) + frame_text(pilot.app, "title"))

    away = Unreachable("Nothing answers at 10.4.1.7:22.", "", "NoAnswer")
    assert snap_compare(app_of(host, away), terminal_size=size, run_before=ready)
