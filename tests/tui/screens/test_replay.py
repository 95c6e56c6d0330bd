"""A recording in the console: every screen shows its time, documents come from it, keys of time are shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edgewright.core.times import rfc3339
from edgewright.sources.replay import ReplaySource
from edgewright.store.collections.feed import FEED
from edgewright.store.engine import events as kinds
from edgewright.store.engine.record import Recorder
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, press, said, settle, until, view
from tests.tui.samples import NOW, event, fill, host, session
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.frame.title import title_line
from tui.widgets.lines import text_of


def recording(path: Path) -> Path:
    clock = [NOW]
    store = fill(Store(clock=lambda: clock[0]))
    recorder = Recorder(store, path)
    for number in range(4):
        clock[0] += 30
        store.emit("plane", kinds.HOSTS_SEEN, {"docs": [host("kiel-03", "kiel-02", heartbeats=number)]})
        if number == 2:
            happened = event("bad", 0, "Warning", "kiel-03", "disk / above 95 %")
            happened["metadata"]["creationTimestamp"] = rfc3339(clock[0])
            store.emit("plane", FEED.seen, {"docs": [happened]})
        store.flush()
    recorder.close()
    return path


@asynccontextmanager
async def replaying(path: Path, keymap: dict[str, str] | None = None) -> AsyncIterator[tuple[Driven, ReplaySource]]:
    shown = Store(clock=lambda: NOW)
    source = ReplaySource(recording(path / "day.rec"), shown.restore, paused=True)
    source.step(0)
    made = session(shown, start_view="replay", replay=source, read_only=True, keymap=keymap or {})
    made.context_name, made.now = "day.rec", lambda: source.moment
    async with EdgewrightApp(made).run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        yield pilot, source


def title(pilot: Driven) -> str:
    app = pilot.app
    assert isinstance(app, EdgewrightApp)
    return text_of([title_line(app.session, app.session.now(), 100)])


async def test_every_screen_shows_the_time_of_the_recording(tmp_path: Path) -> None:
    async with replaying(tmp_path) as (pilot, source):
        source.seek(NOW + 60)
        for key, expected in (("2", "hosts"), ("3", "tokens"), ("4", "events"), ("5", "audit"), ("1", "replay")):
            await press(pilot, key)
            await until(pilot, lambda expected=expected: view(pilot) == expected)  # type: ignore[misc]
            assert "► replay 2026-11-23 14:03:11Z paused" in title(pilot)


async def test_a_host_is_shown_with_the_document_of_that_time(tmp_path: Path) -> None:
    async with replaying(tmp_path) as (pilot, source):
        app = pilot.app
        assert isinstance(app, EdgewrightApp)
        source.seek(NOW + 60)
        app.open_view("host", "uid-kiel-03")
        await until(pilot, lambda: view(pilot) == "host")
        assert "MACHINE" in said(pilot) and "There is no plane" not in said(pilot)
        await press(pilot, "y")
        await until(pilot, lambda: view(pilot) == "raw")
        assert "heartbeats: 1" in said(pilot)
        await press(pilot, "escape")
        source.seek(source.replay.end)
        await press(pilot, "y")
        await until(pilot, lambda: view(pilot) == "raw" and "heartbeats: 3" in said(pilot))


async def test_troubles_ahead_are_on_the_line_of_time_and_nothing_is_cut(tmp_path: Path) -> None:
    async with replaying(tmp_path) as (pilot, _):
        lines = said(pilot).splitlines()
        assert lines[0].rstrip().endswith("event 1 of 6, 2 min")
        assert "▲" in lines[1] and lines[1].rstrip().endswith("14:04Z")


async def test_the_keys_of_time_are_those_of_the_key_map(tmp_path: Path) -> None:
    async with replaying(tmp_path, {"replay-next": "f9", "replay-play": "f7"}) as (pilot, source):
        screen = pilot.app.screen
        assert isinstance(screen, BaseScreen)
        hints = {hint.label: hint.key for hint in screen.key_hints()}
        assert (hints["event"], hints["minute"], hints["play"], hints["speed"]) == ("← f9", "b f", "f7", "< >")
        await press(pilot, "f9")
        assert source.replay.position == 2
        await press(pilot, "f7")
        assert not source.paused
