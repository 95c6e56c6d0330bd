"""Network on a site: what is shown in each state, forms, the plan, the countdown, and the answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.journal import open_journal
from edgewright.core.errors import Unreachable
from edgewright.core.text import cells
from edgewright.store.engine.store import Store
from tests.clients.ssh.network.samples import NETWORKD, FolderHost
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, settle, view
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tests.tui.sites.site_host import FINE, Sites, StandInHost
from tui.app import EdgewrightApp
from tui.session import Session

Compare = Callable[..., bool]
SIZES = ((80, 24), (132, 43), (200, 60))
TARGET = "kairos@edge-7f3a"
STATE = "var/lib/edgewright-network"
BUSY = NETWORKD.replace(b"runs systemd-networkd", b"runs systemd-networkd\nruns systemd-timesyncd\nkube kubelet")
BUSY = BUSY.replace(b"end 1\n", b"sets name /oem/90_custom.yaml\nchange armed 97 0123456789abcdef\nwho kim at laptop\n"
                    b"applied 1\nend 1\n")  # fmt: skip


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    monkeypatch.setattr("tui.screens.site.network.screen.APPLY", 0.05)


class NetworkHost(StandInHost):
    """A host whose probes are canned, whose settings are a sample, and whose change scripts run in a folder."""

    def __init__(self, folder: Path | None = None, sample: bytes = NETWORKD) -> None:
        super().__init__(FINE)
        self.sample = sample
        self.folder = FolderHost(folder, sample) if folder is not None else None
        self.slow: asyncio.Event | None = None
        self.loses = b""
        """The connection breaks before the answer to a script with this text arrives."""

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        if b"edgewright-network" not in script:
            return await super().run_script(script, timeout=timeout, limit=limit, sudo=sudo)
        if self.slow is not None:
            try:
                await self.slow.wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0.02)  # as a real connection, which has its thread end the script
                raise
        if not self.alive:
            raise Unreachable("The connection to edge-7f3a broke.", "Look before you try again.", "ConnectionLost")
        if self.folder is not None:
            result = await self.folder.run_script(script, timeout=timeout, limit=limit, sudo=sudo)
            if self.loses and self.loses in script:
                self.alive, self.loses = False, b""
                raise Unreachable("The connection to edge-7f3a broke.", "Look before you try again.", "ConnectionLost")
            return result
        return ScriptResult(0, self.sample, b"", False, 0.1)


async def until(pilot: Driven, truth: Callable[[], object]) -> None:
    """Wait until something is so: a change of the host takes some seconds on a busy machine."""
    latest = time.monotonic() + 30
    while not truth():
        assert time.monotonic() < latest, f"it did not come true; the screen shows:\n{said(pilot)}"
        await pilot.pause(0.02)
    await settle(pilot)


def flat(pilot: Driven) -> str:
    return " ".join(said(pilot).split())


def journalled(plane: FakePlane, made: Session) -> CommandContext:
    context = context_of(plane, made.store, made.read_only)
    context.journal = open_journal()
    return context


def network(sites: Sites, size: tuple[int, int] = (80, 24), **fields: Any) -> Any:
    return console("doctor", TARGET, size=size, make_site=sites.make, **fields)


async def opened(pilot: Driven) -> None:
    """From Doctor to the page, read."""
    await until(pilot, lambda: "NO FAULT FOUND" in flat(pilot))
    await press(pilot, "n")
    await until(pilot, lambda: view(pilot) == "site-network")
    await until(pilot, lambda: "HOST NAME" in flat(pilot))


def modal(pilot: Driven) -> str:
    """Return the text of a dialog."""
    out = []
    for widget in pilot.app.screen.query("*"):
        lines = getattr(widget, "lines", None)
        if lines is not None and widget.id in ("plan", "progress"):
            out += [row.plain for row in lines]
        elif hasattr(widget, "content"):
            out.append(str(widget.content))
    return " ".join(" ".join(out).split())


async def fill_in(pilot: Driven, values: dict[str, str]) -> None:
    """Type values into a form and let it show the plan."""
    await until(pilot, lambda: view(pilot) == "FormModal")
    for name, value in values.items():
        pilot.app.screen.query_one(f"#field-{name}").value = value  # type: ignore[attr-defined]
    await settle(pilot)  # the form judges what was typed, as it does for a user
    pilot.app.screen.query_one("#go").press()  # type: ignore[attr-defined]
    await settle(pilot)


async def test_the_page_shows_what_the_host_has_and_no_password(tmp_path: Path) -> None:
    async with network(Sites(NetworkHost()), (132, 43)) as (pilot, _, _):
        await opened(pilot)
        text = flat(pilot)
        assert "HOST NAME" in text and "edge1" in text and "by systemd-networkd" in text
        assert "host0 static 10.66.133.11/24 fe80" not in text and "gateway 10.66.133.1 MTU 1500" in text
        assert "http http://***@10.4.1.1:3128" in text and "hunter2" not in text
        assert "No time service runs on this host" in text and "cni0" not in text
        assert "Network" in frame_text(pilot.app, "crumb") and "site edge-7f3a" in frame_text(pilot.app, "title")


async def test_a_change_is_planned_applied_and_confirmed_over_a_new_connection(
    tmp_path: Path, quiet_home: Path
) -> None:
    sites = Sites(NetworkHost(tmp_path))
    async with network(sites) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await opened(pilot)
        await press(pilot, "enter")
        await fill_in(pilot, {"name": "Edge 2"})
        assert view(pilot) == "FormModal" and "is not a host name" in modal(pilot)
        await fill_in(pilot, {"name": "edge2", "within": "300"})
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "host name edge1 -> edge2" in modal(pilot) and "writes /etc/hostname" in modal(pilot)
        assert pilot.app.screen.focused is not None and pilot.app.screen.focused.id == "cancel"
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: view(pilot) == "ConfirmChangeModal")
        assert sites.connections == 2, "what is confirmed was reached by a new connection"
        assert re.search(r"The old settings return in (29\d|300) s", modal(pilot)), modal(pilot)
        assert (tmp_path / "etc/hostname").read_text() == "edge2\n"
        assert pilot.app.screen.focused is not None and pilot.app.screen.focused.id == "later"
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "The new settings stay." in newest_message(made))
        await until(pilot, lambda: "Last change: the change was confirmed." in flat(pilot))
        entries = open_journal().path.read_text()
        assert '"site network set"' in entries and '"site network confirm"' in entries and "edge1 -> edge2" in entries


async def test_answers_that_a_cut_takes_are_looked_up_when_the_host_is_there_again(
    tmp_path: Path, quiet_home: Path
) -> None:
    host = NetworkHost(tmp_path)
    async with network(Sites(host)) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await opened(pilot)
        host.loses = b"EW_PROGRAM"
        await press(pilot, "enter")
        await fill_in(pilot, {"name": "edge2", "within": "300"})
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        known = "Whether the host has begun the change is not known; connecting again."
        await until(pilot, lambda: known in flat(pilot))
        await until(pilot, lambda: view(pilot) == "ConfirmChangeModal")
        assert (tmp_path / "etc/hostname").read_text() == "edge2\n"
        host.loses = b"confirmed"
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "The host may have confirmed it: the page shows that" in modal(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: "Last change: the change was confirmed." in flat(pilot))


async def test_a_change_that_never_began_says_so(tmp_path: Path, quiet_home: Path) -> None:
    host = NetworkHost(tmp_path)
    (tmp_path / STATE).mkdir(parents=True)
    (tmp_path / STATE / "last").write_text("0123456789abcdef confirmed \n")  # that of a change before
    async with network(Sites(host)) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await opened(pilot)
        assert "Last change: the change was confirmed." in flat(pilot)
        await press(pilot, "enter")
        await fill_in(pilot, {"name": "edge2"})
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        host.slow = asyncio.Event()  # it is sent into a link that carries nothing, and not waited for
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "save the old settings on the host" in modal(pilot))
        await press(pilot, "escape")
        await until(pilot, lambda: "is not known; connecting again. If it has, it goes back in" in flat(pilot))
        host.slow.set()
        await until(pilot, lambda: "The old settings are in use: the change did not begin." in newest_message(made))
        assert (tmp_path / "etc/hostname").read_text() == "edge1\n"


async def test_a_change_that_is_given_back_says_so(tmp_path: Path, quiet_home: Path) -> None:
    sites = Sites(NetworkHost(tmp_path))
    async with network(sites) as (pilot, plane, made):
        made.make_context = lambda: journalled(plane, made)
        await opened(pilot)
        await press(pilot, "enter")
        await fill_in(pilot, {"name": "edge2"})
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "The host applies the change; connecting again." in flat(pilot))
        await until(pilot, lambda: view(pilot) == "ConfirmChangeModal")
        await press(pilot, "escape")
        assert "NOT CONFIRMED, changed by" in flat(pilot) and "confirm the new settings" in flat(pilot)
        pilot.app.screen.query_one("#facts").point_at("undo")
        await press(pilot, "enter")
        await until(pilot, lambda: "Last change: the change was taken back." in flat(pilot))
        assert (tmp_path / "etc/hostname").read_text() == "edge1\n"
        await press(pilot, "escape")
        await until(pilot, lambda: "Done from here: network settings; :site ledger has all of it." in flat(pilot))


async def test_the_host_is_read_again_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [NOW]
    monkeypatch.setattr("edgewright.core.times.now", lambda: clock[0])
    host = NetworkHost(sample=BUSY)
    async with network(Sites(host)) as (pilot, _, _):
        await opened(pilot)
        await until(pilot, lambda: "the old settings return in 97 s" in flat(pilot))
        clock[0] += 97
        pilot.app.screen.tick()
        assert "the old settings return now." in flat(pilot) and "confirm the new settings" not in flat(pilot)
        host.sample = NETWORKD
        clock[0] += 1
        pilot.app.screen.tick()
        await until(pilot, lambda: "NOT CONFIRMED" not in flat(pilot) and "HOST NAME" in flat(pilot))


async def test_cancel_sends_nothing(tmp_path: Path) -> None:
    host = NetworkHost(tmp_path)
    async with network(Sites(host)) as (pilot, _, made):
        await opened(pilot)
        await press(pilot, "enter")
        await fill_in(pilot, {"name": "edge2"})
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "enter")
        await until(pilot, lambda: "cancelled, nothing changed" in newest_message(made))
        assert host.folder is not None and all(b"EW_PROGRAM" not in script for script in host.folder.scripts)


async def test_values_that_contradict_each_other_open_the_form_again() -> None:
    async with network(Sites(NetworkHost())) as (pilot, _, _):
        await opened(pilot)
        pilot.app.screen.query_one("#facts").point_at("adapter/host0")
        await press(pilot, "enter")
        await fill_in(pilot, {"address": "10.0.0.7/24"})
        await until(pilot, lambda: "cannot be reached on the link" in modal(pilot))
        assert pilot.app.screen.query_one("#field-address").value == "10.0.0.7/24"
        await fill_in(pilot, {"gateway": "10.0.0.1"})
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "THIS CONNECTION WILL BE CUT" in modal(pilot) and "connects again at 10.0.0.7" in modal(pilot)


async def test_what_cannot_be_changed_says_why() -> None:
    async with network(Sites(NetworkHost(sample=BUSY))) as (pilot, _, made):
        await opened(pilot)
        await until(pilot, lambda: "NOT CONFIRMED, changed by kim at laptop" in flat(pilot))
        pilot.app.screen.query_one("#facts").point_at("page/ntp")
        await settle(pilot)
        assert "enter change" in frame_text(pilot.app, "keys")
        pilot.app.screen.query_one("#facts").point_at("page/name")
        await settle(pilot)
        assert "enter" not in frame_text(pilot.app, "keys")
        await press(pilot, "enter")
        assert "its node is called by the host's name" in newest_message(made) and view(pilot) == "site-network"
        made.read_only = True
        pilot.app.screen.query_one("#facts").point_at("page/ntp")
        await press(pilot, "enter")
        assert "read-only" in newest_message(made)
        pilot.app.screen.query_one("#facts").point_at("confirm")
        await settle(pilot)
        assert "enter confirm" in frame_text(pilot.app, "keys")
        await press(pilot, "enter")
        assert "read-only" in newest_message(made)


async def test_a_reading_is_stopped_and_what_was_read_stays_when_the_connection_breaks() -> None:
    host = NetworkHost()
    sites = Sites(host)
    async with network(sites) as (pilot, _, _):
        await opened(pilot)
        host.slow = asyncio.Event()
        await press(pilot, "R")
        await until(pilot, lambda: "esc stop reading" in frame_text(pilot.app, "keys"))
        pilot.app.screen.read_again()
        await pilot.pause(0.1)
        await settle(pilot)
        assert "esc stop reading" in frame_text(pilot.app, "keys") and "Stopped." not in flat(pilot), "it began again"
        await press(pilot, "escape")
        await until(pilot, lambda: "Stopped." in flat(pilot))
        assert "R read again" in frame_text(pilot.app, "keys")
        assert sites.site is not None
        sites.site._pauses = (30.0,)
        host.alive = False
        await until(pilot, lambda: "connection lost" in frame_text(pilot.app, "title"))
        assert "host0" in flat(pilot) and pilot.app.screen.query_one("#facts").dim_all
        await press(pilot, "R")
        assert "Look before you try again" not in flat(pilot), "it was only read"


@pytest.mark.parametrize("size", [(20, 5), (40, 12), (80, 24), (132, 43), (200, 60)], ids=str)
async def test_no_line_is_longer_than_the_screen(size: tuple[int, int]) -> None:
    async with network(Sites(NetworkHost(sample=BUSY)), size) as (pilot, _, _):
        await until(pilot, lambda: "FAU" in flat(pilot))
        await press(pilot, "n")
        await until(pilot, lambda: "HOST" in flat(pilot))
        for name in ("facts", "detail"):
            pane = pilot.app.screen.query_one(f"#{name}")
            if pane.display:
                assert all(cells(row.plain) <= pane.size.width for row in pane.lines)


# Pictures -------------------------------------------------------------------------------------------------------------

EMPTY = re.sub(rb"(?m)^(link host0|link cni0|addr|route|netif|runs|\||file).*\n", b"", NETWORKD)


def app_of(host: NetworkHost) -> EdgewrightApp:
    store = Store(clock=lambda: NOW)
    sites = Sites(host)
    return EdgewrightApp(session(fill(store), start_view="doctor", start_target=TARGET, make_site=sites.make))


def page_with(text: str, lost: NetworkHost | None = None) -> Callable[[Driven], Any]:
    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        await until(pilot, lambda: "NO FAULT FOUND" in flat(pilot))
        await until(pilot, lambda: "rtt 310 ms" in frame_text(pilot.app, "title"))  # else it comes in the middle
        await press(pilot, "n")
        if lost is not None:
            await until(pilot, lambda: "host0" in flat(pilot))
            site = pilot.app.session.sites[TARGET]  # type: ignore[attr-defined]
            site._pauses = (30.0,)
            lost.alive = False
        await until(pilot, lambda: text in flat(pilot) + frame_text(pilot.app, "title"))

    return ready


FAST = [("healthy", SIZES[0]), ("healthy", SIZES[2]), ("faulty", SIZES[0])]
LATER = [(state, size) for state in ("healthy", "loading", "empty", "faulty", "stale") for size in SIZES]
PICTURES = [
    *(pytest.param(*each, id=f"{each[0]}-{each[1][0]}x{each[1][1]}") for each in FAST),
    *(
        pytest.param(*each, id=f"{each[0]}-{each[1][0]}x{each[1][1]}", marks=pytest.mark.e2e)
        for each in LATER
        if each not in FAST
    ),
]


@pytest.mark.parametrize(("state", "size"), PICTURES)
def test_picture(state: str, size: tuple[int, int], snap_compare: Compare) -> None:
    host = NetworkHost(sample={"faulty": BUSY, "empty": EMPTY}.get(state, NETWORKD))
    if state == "loading":
        host.slow = asyncio.Event()
    texts = {
        "loading": "Reading the network settings",
        "empty": "none that a file",
        "faulty": "NOT CONFIRMED",
        "stale": "connection lost",
    }
    ready = page_with(texts.get(state, "host0"), host if state == "stale" else None)
    assert snap_compare(app_of(host), terminal_size=size, run_before=ready)
