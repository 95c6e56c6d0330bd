"""Files of a site: places, directories, a file without secrets, copies and replacements, a lost connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.commands.kernel.journal import open_journal
from edgewright.commands.site.files.views import Entry, Listing
from edgewright.core.errors import EdgewrightError, Unreachable
from edgewright.core.text import cells
from edgewright.store.engine.store import Store
from tests.clients.ssh.files.conftest import root
from tests.tui.driving import Driven, console, frame_text, newest_message, press, said, settle, until, view
from tests.tui.samples import NOW, fill, session
from tests.tui.sites.folder_site import FolderHost, put_files_into
from tests.tui.sites.site_host import FINE, Sites, StandInHost
from tui.app import EdgewrightApp
from tui.screens.site.files_content import folder_lines

__all__ = ["root"]
Compare = Callable[..., bool]
SIZES = (
    pytest.param((80, 24), id="80x24"),
    pytest.param((132, 43), id="132x43", marks=pytest.mark.e2e),
    pytest.param((200, 60), id="200x60", marks=pytest.mark.e2e),
)
TARGET = "kairos@edge-7f3a"


@pytest.fixture(autouse=True)
def ready(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    put_files_into(root, monkeypatch)
    for path in sorted(root.rglob("*")):
        os.utime(path, (NOW - 86_400, NOW - 86_400))


@asynccontextmanager
async def files(host: FolderHost, size: tuple[int, int] = (80, 24), *places: str) -> AsyncIterator[tuple[Driven, Any]]:
    """Yield the page of files of an open site, in the directory that `places` lead to."""
    sites = Sites(host)  # type: ignore[arg-type]
    async with console("doctor", TARGET, size=size, make_site=sites.make) as (pilot, _, made):
        await until(pilot, lambda: "read 0s ago" in " ".join(said(pilot).split()))
        await press(pilot, "f")
        assert view(pilot) == "site-files"
        for place in places:
            await go(pilot, place)
        yield pilot, made


async def go(pilot: Driven, text: str) -> None:
    """Put the cursor on the line with a text, and open it."""
    lines: Any = pilot.app.screen.query_one("#files")
    key = next(row.key for row in lines.lines if text in row.plain)
    lines.point_at(key)
    await press(pilot, "enter")
    await until(pilot, lambda: "Reading " not in said(pilot))


def test_a_directory_with_too_many_entries_names_that_first() -> None:
    entries = tuple(Entry(f"a{n}", 0o100644, 0, 0, "root:root", 1, 0) for n in range(3))
    first = folder_lines(Listing("/var/log", entries, None, True, True, True), 80)[1]
    assert first.plain.startswith("▲ More is in the directory than these 3 entries: ")
    assert not any(
        "More is" in row.plain for row in folder_lines(Listing("/oem", entries, None, True, True, False), 80)
    )


async def test_places_then_a_directory_then_a_file_without_secrets() -> None:
    async with files(FolderHost()) as (pilot, _):
        assert "/var/log" in said(pilot) and "/oem" in said(pilot) and "/etc/shadow" not in said(pilot)
        assert frame_text(pilot.app, "title").startswith("edgewright  site edge-7f3a by SSH")
        await go(pilot, "/oem")
        assert "90_custom.yaml" in said(pilot) and "-rw-r--r--" in said(pilot)
        assert "Files /oem" in frame_text(pilot.app, "crumb") and "1 entry" in frame_text(pilot.app, "crumb")
        await press(pilot, "down", "enter")
        assert view(pilot) == "site-file"
        await until(pilot, lambda: "edgeHostToken" in said(pilot))
        assert "canary" not in said(pilot) and "1 secret covered" in said(pilot)
        await press(pilot, "question_mark")
        listed = " ".join(said(pilot).split())
        assert "/ Search in the text." in listed and "n Go to the next match." in listed
        await press(pilot, "escape")
        assert view(pilot) == "site-file"
        await press(pilot, "escape")
        assert view(pilot) == "site-files" and "90_custom.yaml" in said(pilot)
        await press(pilot, "escape")
        assert "DIRECTORIES OF THE HOST" in said(pilot)
        await press(pilot, "escape")
        assert view(pilot) == "doctor"


@pytest.mark.e2e
async def test_strange_names_and_links_out(root: Path) -> None:
    (root / "var/log/\x1b[31mred\nline").write_text("x")
    (root / "var/log/out").symlink_to("/etc")
    (root / "var/log/btmp").touch()
    async with files(FolderHost(), (80, 24), "/var/log") as (pilot, _):
        assert "\x1b" not in said(pilot) and "red line" in said(pilot) and "out → /etc" in said(pilot)
        await go(pilot, "red line")
        await until(pilot, lambda: view(pilot) == "site-file" and "x" in said(pilot))
        await press(pilot, "escape")
        await go(pilot, "btmp")
        await until(pilot, lambda: "The file is empty." in said(pilot))
        await press(pilot, "escape")
        await go(pilot, "out →")
        assert "leads out of the directory" in " ".join(said(pilot).split())


async def test_a_copy_asks_for_its_place_and_secrets_for_a_yes(root: Path, tmp_path: Path) -> None:
    async with files(FolderHost(), (80, 24), "/var/log") as (pilot, made):
        await press(pilot, "D")
        assert "Choose a file first." in newest_message(made)
        point(pilot, "syslog")
        await press(pilot, "D")
        await type_over(pilot, str(tmp_path / "copy"))
        await until(pilot, lambda: (tmp_path / "copy").exists())
        assert (tmp_path / "copy").read_bytes() == (root / "var/log/syslog").read_bytes()
        await press(pilot, "enter", "escape")
        await go(pilot, "/oem")
        point(pilot, "90_custom")
        await press(pilot, "D")
        await type_over(pilot, str(tmp_path / "secret"))
        await until(pilot, lambda: "with its secrets" in modal(pilot))
        await press(pilot, "enter")  # Cancel
        assert not list(tmp_path.glob("secret*"))
        await press(pilot, "D")
        await type_over(pilot, str(tmp_path / "secret"))
        await until(pilot, lambda: "with its secrets" in modal(pilot))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: (tmp_path / "secret").exists())
        assert "canary" in (tmp_path / "secret").read_text()
        entries = [entry for entry in open_journal().entries() if entry.command == "site get"]
        assert not entries or "canary" not in str(entries[-1].plan)


async def test_a_replacement_shows_its_plan_with_cancel_first(root: Path, tmp_path: Path) -> None:
    place = root / "oem/90_custom.yaml"
    before = place.read_bytes()
    (tmp_path / "new").write_text("new: true\n")
    async with files(FolderHost(), (132, 43), "/oem") as (pilot, _):
        point(pilot, "90_custom")
        for keys, content in ((("enter",), before), (("tab", "enter"), b"new: true\n")):
            await press(pilot, "U")
            await type_over(pilot, str(tmp_path / "new"))
            await until(pilot, lambda: "Replace /oem/90_custom.yaml" in modal(pilot))
            assert "sha256" in modal(pilot) and "is not stored" in modal(pilot)
            await press(pilot, *keys)
            await until(pilot, lambda want=content: place.read_bytes() == want)  # type: ignore[misc]
            if keys == ("tab", "enter"):
                await until(pilot, lambda: "STORED AS" in modal(pilot))
        rows = [row.split() for row in modal(pilot).splitlines()]
        assert ["STORED", "AS", "/oem/90_custom.yaml"] in rows and ["SIZE", "10", "B"] in rows


async def test_read_only_and_places_that_are_only_read(tmp_path: Path) -> None:
    async with files(FolderHost(), (80, 24), "/var/log") as (pilot, made):
        point(pilot, "syslog")
        await press(pilot, "U")
        assert "are not replaced" in newest_message(made)
        await press(pilot, "ctrl+o", "U")
        assert "read-only" in newest_message(made)


@pytest.mark.e2e
async def test_a_reading_is_stopped_and_a_lost_connection_leaves_what_was_read() -> None:
    host = FolderHost()
    async with files(host, (80, 24), "/oem") as (pilot, made):
        host.gate = asyncio.Event()
        await press(pilot, "R")
        await until(pilot, lambda: "Reading 0s" in said(pilot))
        await press(pilot, "escape")
        assert "Stopped." in said(pilot) and "90_custom.yaml" in said(pilot)
        host.gate.set()
        made.sites[TARGET]._pauses = (30.0,)
        host.alive = False
        await until(pilot, lambda: "connection lost" in frame_text(pilot.app, "title"))
        screen: Any = pilot.app.screen
        assert screen.query_one("#files").dim_all and "90_custom.yaml" in said(pilot)
        point(pilot, "90_custom")
        await press(pilot, "D")
        assert "There is no connection" in newest_message(made)


@pytest.mark.parametrize("size", [(20, 5), (80, 24)], ids=str)
async def test_no_line_is_longer_than_the_screen(root: Path, size: tuple[int, int]) -> None:
    (root / "var/log" / ("ü" * 100)).touch()
    async with files(FolderHost(), size) as (pilot, _):
        lines: Any = pilot.app.screen.query_one("#files")
        assert all(cells(row.plain) <= lines.size.width for row in lines.lines)
        pilot.app.screen.open_folder("/var/log")  # type: ignore[attr-defined]
        await until(pilot, lambda: any("pods" in row.plain or "p…" in row.plain for row in lines.lines))
        assert all(cells(row.plain) <= lines.size.width for row in lines.lines)


def point(pilot: Driven, text: str) -> None:
    lines: Any = pilot.app.screen.query_one("#files")
    lines.point_at(next(row.key for row in lines.lines if text in row.plain))


def modal(pilot: Driven) -> str:
    """Return the text of a dialog, "" where there is none."""
    found: Any = pilot.app.screen.query("#plan, #progress")
    title = str(getattr(pilot.app.screen, "title_text", ""))
    return title + "\n".join(row.plain for view in found for row in view.lines)


async def type_over(pilot: Driven, text: str) -> None:
    """Replace what is in the prompt."""
    await settle(pilot)
    await press(pilot, "ctrl+u", *text, "enter")


# Pictures -------------------------------------------------------------------------------------------------------------

DAY = int(NOW) - 86_400
ENTRIES = (
    f"41ed 0 0 4096 {DAY} root:root ./pods",
    f"8180 0 0 2252 {DAY} root:root ./90_custom.yaml",
    f"81a4 0 0 1024 {DAY} root:root ./grubenv",
    f"a1ff 0 0 11 {DAY} root:root ./latest",
    f"81a4 1000 1000 734003200 {DAY} kairos:kairos ./content-2.4.1.tar.zst",
    f"81a4 0 0 5 {DAY} root:root ./odd\x1b[31m name\nof a file",
)


class ListedHost(StandInHost):
    """Prints a directory as a host does; `gate` delays it."""

    def __init__(self, *entries: str, fails: str = "", root: str = "0") -> None:
        super().__init__(FINE)
        self.entries, self.fails, self.root = entries, fails, root

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        text = script.decode()
        if "find . ! -name" not in text:
            return await super().run_script(script, timeout=timeout, limit=limit, sudo=sudo)
        if self.gate is not None:
            await self.gate.wait()
        mark = text.partition("M='")[2][:32]
        if self.fails:
            return ScriptResult(0, f"\n{mark} fail {self.fails}\n".encode(), b"", False, 0.3)
        lines = "".join(f"{mark} e {entry}\n" for entry in self.entries)
        link = f"{mark} t ./latest\n{mark} = content.tar\n" if self.entries else ""
        output = f"\n{mark} dir {self.root} 1 3145728\n\n{lines}{link}{mark} end\n"
        return ScriptResult(0, output.encode(), b"", False, 0.3)


def app_of(host: StandInHost, *then: StandInHost | EdgewrightError) -> EdgewrightApp:
    store, sites = Store(clock=lambda: NOW), Sites(host, *then)
    return EdgewrightApp(session(fill(store), start_view="doctor", start_target=TARGET, make_site=sites.make))


def shows(text: str, place: str = "/oem", then: Callable[[], object] = lambda: None) -> Callable[[Driven], Any]:
    async def ready(pilot: Driven) -> None:
        await settle(pilot)
        await until(pilot, lambda: "rtt 310 ms" in frame_text(pilot.app, "title"))
        await press(pilot, "f")
        if place:
            point(pilot, place)
            await press(pilot, "enter")
        await until(pilot, lambda: "Reading" not in said(pilot) or text == "Reading")
        then()
        await until(pilot, lambda: text in " ".join(said(pilot).split()) + frame_text(pilot.app, "title"))

    return ready


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_the_places(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = app_of(ListedHost(*ENTRIES))
    assert snap_compare(app, terminal_size=size, run_before=shows("DIRECTORIES OF THE HOST", ""))


@pytest.mark.parametrize("size", SIZES)
def test_picture_of_a_directory(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(ListedHost(*ENTRIES)), terminal_size=size, run_before=shows("90_custom.yaml"))


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "host", "text"),
    [
        ("empty", ListedHost(), "The directory is empty."),
        ("faulty", ListedHost(fails="closed"), "may not read"),
        ("without-sudo", ListedHost(*ENTRIES, root="1000"), "without sudo"),
    ],
    ids=["empty", "faulty", "without-sudo"],
)
def test_picture_of_a_state(
    snap_compare: Compare, size: tuple[int, int], name: str, host: ListedHost, text: str
) -> None:
    assert snap_compare(app_of(host), terminal_size=size, run_before=shows(text))


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES)
def test_picture_while_it_is_read(snap_compare: Compare, size: tuple[int, int]) -> None:
    host = ListedHost(*ENTRIES)
    host.gate = asyncio.Event()
    doctor = host.run_script

    async def run_script(script: bytes, **more: Any) -> ScriptResult:
        if script.startswith(b"main()"):
            host.gate, gate = None, host.gate
            try:
                return await doctor(script, **more)
            finally:
                host.gate = gate
        return await doctor(script, **more)

    host.run_script = run_script  # type: ignore[method-assign]
    assert snap_compare(app_of(host), terminal_size=size, run_before=shows("Reading"))


@pytest.mark.e2e
@pytest.mark.parametrize("size", SIZES)
def test_picture_of_what_is_stale(snap_compare: Compare, size: tuple[int, int]) -> None:
    host = ListedHost(*ENTRIES)
    away = Unreachable("Nothing answers at 10.4.1.7:22.", "", "NoAnswer")

    def lost() -> None:
        host.alive = False

    assert snap_compare(app_of(host, away), terminal_size=size, run_before=shows("connection lost", then=lost))
