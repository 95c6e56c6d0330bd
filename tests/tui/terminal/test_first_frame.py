"""The first frame of a big cached fleet: drawn from its head with right counts, completed when the rest is read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.widget import Widget

from edgewright.commands.kernel import registry
from edgewright.store.engine import cache, cache_head
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store
from tests.tui.driving import settle, wait_until
from tui.app import EdgewrightApp
from tui.screens.hosts.screen import HostsScreen
from tui.session import Session
from tui.widgets.frame import FrameLine
from tui.widgets.line_view import LineView
from tui.widgets.lines import text_of

NOW = 1_795_442_551.0


def document(index: int) -> dict[str, Any]:
    return {
        "metadata": {"uid": f"u{index:04}", "name": f"edge-{index:04}", "labels": {"site": f"site-{index // 3}"}},
        "spec": {},
        "status": {"state": "ready", "health": {"state": "unhealthy" if index == 5 else "healthy"}},
    }


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cache.Loaded:
    """The head of a fleet of 900 hosts."""
    monkeypatch.setattr(cache_head, "LIMIT", 300)
    store = Store(clock=lambda: NOW)
    store.emit("plane", kinds.HOSTS_SEEN, {"docs": [document(index) for index in range(900)]})
    store.emit("plane", kinds.SOURCE_STATE, {"state": "live", "plane": "hub"})
    store.flush()
    cache.save(tmp_path / "fleet", store.model)
    return cache.load_head(tmp_path / "fleet")


def said(screen: Widget, name: str) -> str:
    return text_of(list(screen.query_one(name, LineView).lines))


@pytest.mark.parametrize(("view", "size"), [("pulse", (200, 50)), ("pulse", (80, 24)), ("hosts", (200, 50))])
async def test_head_first_and_the_rest_after_it(cached: cache.Loaded, view: str, size: tuple[int, int]) -> None:
    assert cached.model is not None and cached.rest is not None
    head, rest, go, store = cached.model, cached.rest, asyncio.Event(), Store(cached.model)

    async def start() -> None:
        await go.wait()
        await cache.complete(store, head, rest)

    session = Session(store=store, start_view=view, start=start, now=lambda: NOW + 90)
    app = EdgewrightApp(session)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        screen = app.screen
        if isinstance(screen, HostsScreen):
            await wait_until(pilot, lambda: screen.count() == "900" and screen.table.keys)
            assert screen.count() == "900" and len(screen.table.keys) < 300
            first = list(screen.table.keys[:40])
            assert first[0] == "u0005"
        else:
            await wait_until(pilot, lambda: "edge-0005" in said(screen, "#problems") and said(screen, "#low"))
            assert "edge-0005" in said(screen, "#problems") and "899" in said(screen, "#low")
            assert "counting" in said(screen, "#low") and "no host" not in said(screen, "#low")
        go.set()
        await wait_until(pilot, lambda: store.model.complete)
        if isinstance(screen, HostsScreen):
            await wait_until(pilot, lambda: len(screen.table.keys) == 900)
            assert len(screen.table.keys) == 900 and list(screen.table.keys[:40]) == first
        else:
            await wait_until(pilot, lambda: "299" in said(screen, "#low"))  # a tick of the coalescer brings it
            assert "counting" not in said(screen, "#low") and "299" in said(screen, "#low")
            if size[0] == 200:
                await wait_until(pilot, lambda: "site-1" in said(screen, "#board"))


@pytest.mark.parametrize("view", ["hosts", "pulse"])
async def test_the_first_frame_loads_no_verb_of_the_command_line(
    cached: cache.Loaded, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded() -> None:
        raise AssertionError("all modules of verbs were loaded")

    monkeypatch.setattr(registry, "all_commands", loaded)
    monkeypatch.setattr(registry, "_ALL_NAMES", {})
    app = EdgewrightApp(Session(store=Store(cached.model), start_view=view, now=lambda: NOW + 90))
    async with app.run_test(size=(200, 50)) as pilot:
        await wait_until(pilot, lambda: text_of([app.screen.query_one("#keys", FrameLine).line]).strip())
