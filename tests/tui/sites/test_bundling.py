"""A support bundle from the page of a site, over the connection that is open to a real sshd; it is journalled."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.ssh.bundle.collect import Progress
from edgewright.clients.ssh.bundle.partial import Partial, State
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Outcome
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.fleet.ledger import read
from edgewright.commands.site.fleet.unfinished import unfinished
from edgewright.commands.site.opened import Site
from edgewright.core.errors import Unreachable
from edgewright.store.engine.journal import Journal
from edgewright.store.engine.store import Store
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.sshd import Sshd
from tests.tui.driving import console, frame_text, newest_message, press, until, view
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW
from tests.tui.sites.site_host import FINE, Sites, StandInHost
from tests.tui.sites.test_doctor_screen import flat
from tui.modals.plan_content import progress_lines
from tui.screens.site.bundling import Bundling

__all__ = ["key_files"]


@pytest.mark.e2e
async def test_the_file_is_there_and_the_connection_stays(
    key_files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, journal, plane, store = tmp_path / "out", Journal(tmp_path / "journal"), FakePlane(), Store(clock=lambda: NOW)
    out.mkdir()
    monkeypatch.chdir(out)

    def context() -> CommandContext:
        made = context_of(plane, store, False)
        made.journal = journal
        return made

    folder = tmp_path / "sshd"
    folder.mkdir()
    with Sshd(folder, [key_files["host-ed25519"]]) as server:
        server.allow(key_files["user"].with_name("user.pub"))
        laptop = Laptop(tmp_path)
        laptop.block("box", server.port, key_files["user"])
        laptop.knows(server, key_files["host-ed25519"])

        async def reach(asker: Any) -> Any:
            return await laptop.open("box")

        fields: dict[str, Any] = {"make_site": lambda target: Site(target, reach), "make_context": context}
        async with console("doctor", "box", size=(132, 43), **fields) as (pilot, _, session):
            await until(pilot, lambda: "probes in 1 round trip" in frame_text(pilot.app, "crumb"))
            await press(pilot, "B")
            await press(pilot, "tab", "tab", "tab", "tab", "tab", "enter")
            await until(pilot, lambda: "entries are read where the host has them" in flat(pilot))
            await press(pilot, "enter" if pilot.app.focused and pilot.app.focused.id == "go" else "tab")
            latest = time.monotonic() + 180
            while any(out.glob("*.partial")) or not any(out.iterdir()):
                assert time.monotonic() < latest, flat(pilot)
                await pilot.pause(0.2)
            await until(pilot, lambda: "SECRETS LEFT OUT" in flat(pilot) or "read" in flat(pilot))
            await press(pilot, "enter")
            assert view(pilot) == "doctor" and "The bundle of box is" in newest_message(session)
            assert session.sites["box"].is_open
    (file,) = out.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert [(row.verb, row.host, row.result) for row in read(journal)] == [("site bundle", "box", "done")]


async def test_it_is_read_while_other_screens_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    goes_on, runs = asyncio.Event(), list[dict[str, Any]]()

    async def run(command: Any, context: Any, targets: Any, args: dict[str, Any], **more: Any) -> Outcome:
        runs.append(args)
        args["progress"](Progress(33, 80, "units.failed", 90_000, 8000.0, 20.0))
        more["report"]("box: 33 of 80 entries, 87.9 KB received, 7.8 KB/s, about 20 s left: units.failed")
        await goes_on.wait()
        return Outcome(("box",), (), "")

    monkeypatch.setattr(registry, "run", run)
    async with console("doctor", "box", size=(132, 43), make_site=Sites(StandInHost(FINE)).make) as (pilot, _, session):
        await until(pilot, lambda: "probes in 1 round trip" in frame_text(pilot.app, "crumb"))
        await press(pilot, "B", "tab", "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "not encrypted" in flat(pilot))
        await press(pilot, "enter" if pilot.app.focused and pilot.app.focused.id == "go" else "tab")
        await until(pilot, lambda: bool(runs))
        assert runs[0]["site"] is session.sites["box"]
        await until(pilot, lambda: "33 of 80 entries" in flat(pilot) and "7.8 KB/s" in flat(pilot))
        await press(pilot, "escape")
        assert view(pilot) == "doctor" and "continues in the background" in newest_message(session)
        await press(pilot, ":", *"hosts", "enter")
        await until(pilot, lambda: "bundle of box 41 %, 20 s left" in frame_text(pilot.app, "title"))
        await press(pilot, ":", *"site open box", "enter", "B")
        await until(pilot, lambda: "33 of 80 entries" in flat(pilot))
        assert len(runs) == 1, "the same key shows it"
        await press(pilot, "escape")
        goes_on.set()
        await until(pilot, lambda: "The bundle of box is " in newest_message(session))
        await until(pilot, lambda: "bundle of box" not in frame_text(pilot.app, "title"))


async def test_a_bundle_is_stopped_by_its_key_and_with_its_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stopped: list[str] = []

    async def run(command: Any, context: Any, targets: Any, args: dict[str, Any], **more: Any) -> Outcome:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append("one")
            raise
        return Outcome(())

    monkeypatch.setattr(registry, "run", run)
    async with console("doctor", "box", size=(132, 43), make_site=Sites(StandInHost(FINE)).make) as (pilot, _, session):
        await until(pilot, lambda: "probes in 1 round trip" in frame_text(pilot.app, "crumb"))

        async def begin() -> None:
            await press(pilot, "B", "tab", "tab", "tab", "tab", "tab", "enter")
            await until(pilot, lambda: "not encrypted" in flat(pilot))
            await press(pilot, "enter" if pilot.app.focused and pilot.app.focused.id == "go" else "tab")
            await until(pilot, lambda: "Starting" in flat(pilot))

        await begin()
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: stopped == ["one"])
        assert view(pilot) == "doctor" and not session.bundles["box"].is_read
        await begin()
        await press(pilot, "escape", "o", "ctrl+d")
        await until(pilot, lambda: stopped == ["one", "one"] and session.sites == {})


async def test_what_was_not_finished_is_offered(tmp_path: Path) -> None:
    assert await unfinished(tmp_path, "box") == ""
    Partial.create(tmp_path / "a.tar.partial", State(target="other", began=time.time(), ago=60))
    Partial.create(tmp_path / "b.tar.partial", State(target="box", began=time.time(), ago=60))
    (tmp_path / "c.partial").mkdir()
    assert await unfinished(tmp_path, "box") == str(tmp_path / "b.tar.partial")


async def test_what_was_not_finished_in_another_folder_is_offered_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    other.mkdir()

    def begin(self: Bundling, *of: object) -> None:
        Partial.create(other / "b.tar.partial", State(target="box", began=time.time(), ago=60))
        self.work.set_exception(Unreachable("The link was cut."))

    monkeypatch.setattr(Bundling, "begin", begin)
    async with console("doctor", "box", size=(132, 43), make_site=Sites(StandInHost(FINE)).make) as (pilot, _, _made):
        await until(pilot, lambda: "probes in 1 round trip" in frame_text(pilot.app, "crumb"))
        await press(pilot, "B")
        pilot.app.screen.query_one("#field-out").value = str(other)  # type: ignore[attr-defined]
        await press(pilot, "tab", "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "not encrypted" in flat(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: "The link was cut." in flat(pilot))
        await press(pilot, "escape", "B")
        await until(pilot, lambda: view(pilot) == "FormModal")
        assert pilot.app.screen.query_one("#field-resume").value == str(other / "b.tar.partial")  # type: ignore[attr-defined]


async def test_nothing_is_read_without_a_yes_or_a_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    host = StandInHost(FINE)
    async with console("doctor", "box", make_site=Sites(host).make) as (pilot, _, session):
        await until(pilot, lambda: bool(host.scripts))
        await press(pilot, "B", "tab", "tab", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: "not encrypted" in flat(pilot))
        await press(pilot, "escape")
        assert "nothing was read" in newest_message(session) and list(tmp_path.iterdir()) == []
        await session.sites["box"].aclose()
        await press(pilot, "B")
        assert "a bundle needs one" in newest_message(session)


def test_progress_that_is_wider_than_its_dialog_is_shown_to_its_end() -> None:
    report = "box: 33 of 80 entries, 87.9 KB received, 7.8 KB/s, about 20 s left: units.failed"
    shown = [row.plain for row in progress_lines(["begun", report], 60)]
    assert shown[0] == "• begun" and shown[1].startswith("► box: 33 of 80") and all(len(row) <= 60 for row in shown)
    assert " ".join(" ".join(shown[1:]).split()) == f"► {report}"
