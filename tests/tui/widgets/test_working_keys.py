"""SCREENS.md, rule 6: the key line of every list shows what works here and now, without rows and with them.

Each key of the key line of a list that is empty or simulated is pressed: it must do something.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from edgewright.commands.kernel.registry import all_commands
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.engine import events
from edgewright.store.engine.store import Store
from tests.tui import workloads
from tests.tui.clusters import clusters
from tests.tui.driving import Driven, console, frame_text, newest_message, press, settle, until
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, session
from tui.app import EdgewrightApp
from tui.frame.base import BaseScreen
from tui.frame.lists.export import ExportsTable
from tui.navigation.views import VIEWS, load
from tui.screens.workloads.list import WorkloadsScreen
from tui.terminal.paint.screen_text import screen_text
from tui.verbs.bindings import keys_by_id

SCREENS = {view: cls for view, place in VIEWS.items() if isinstance(cls := load(place), type)}
LISTS = sorted(view for view, cls in SCREENS.items() if issubclass(cls, ExportsTable))
WORKLOADS = [view for view in LISTS if issubclass(SCREENS[view], WorkloadsScreen)]
CLUSTER = "c-healthy"
NEED_ROWS = frozenset({"nav-open", *(verb.id() for verb in all_commands() if verb.console and not verb.works_on(0))})


class Reply(NamedTuple):
    data: Any


class EmptyPlane(FakePlane):
    """A plane without anything; one that `answers` not lets every list wait."""

    def __init__(self, answers: bool = True) -> None:
        super().__init__()
        self.hosts, self.keys, self.answers = {}, {}, answers

    async def port(self, wanted: type) -> Any:
        if not self.answers:
            await asyncio.Event().wait()
        return SimpleNamespace(**{name: self._nothing(name) for name in vars(wanted) if not name.startswith("_")})

    def _nothing(self, name: str) -> Any:
        async def each(*_: Any, **__: Any) -> Any:
            for document in list[Any]():
                yield document

        async def listed(*_: Any, **__: Any) -> Any:
            return Reply({"items": [], "listmeta": {"count": 0}}) if name == "call" else []

        return each if name == "each" else listed


def empty_store(state: str) -> Store:
    """Return a store without hosts; a simulated state has one simulated cluster."""
    store = Store(clock=lambda: NOW)
    source = {"state": "loading" if state == "loading" else "live", "since": NOW - 9, "contact": NOW - 3}
    store.emit("plane", events.SOURCE_STATE, source, NOW - 3)
    store.flush()
    return store


def empty(view: str, state: str, target: str = "") -> EdgewrightApp:
    """Return the console with a view in front for which there is nothing."""
    store = empty_store(state)
    if view in WORKLOADS:
        documents = clusters()
        for document in documents:
            document["status"]["edgewright"]["simulated"] = state == "simulated"
        store.emit("plane", CLUSTERS.seen, {"docs": documents, "complete": True}, NOW - 3)
        store.flush()

    async def open_cluster(uid: str, report: Any) -> Any:
        if state == "loading":
            await asyncio.Event().wait()
        return workloads.api(workloads.EMPTY)

    target = CLUSTER if view in WORKLOADS else target
    shown = session(store, start_view=view, start_target=target, open_cluster=open_cluster)
    shown.make_context = lambda: context_of(EmptyPlane(state != "loading"), store)
    return EdgewrightApp(shown)


def state_of(pilot: Driven) -> tuple[Any, ...]:
    """Return what a key that works changes: what is in front, and what is written there beside the message."""
    screen = pilot.app.screen
    prompt = getattr(screen, "prompt", None)
    lines = screen_text(pilot.app).splitlines()
    return type(screen), bool(prompt and prompt.is_open), lines[1:-3]


@asynccontextmanager
async def console_without_rows(view: str, state: str, target: str = "") -> AsyncIterator[Driven]:
    """Run the console with a view for which there is nothing."""
    async with empty(view, state, target).run_test(size=(160, 30)) as pilot:
        await settle(pilot)
        yield pilot


@asynccontextmanager
async def list_without_rows(view: str, state: str) -> AsyncIterator[tuple[Driven, ExportsTable]]:
    """Run the console with a list without rows."""
    async with console_without_rows(view, state) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ExportsTable) and screen.view == view and not screen.table.keys
        yield pilot, screen


@asynccontextmanager
async def list_with_rows(view: str) -> AsyncIterator[tuple[Driven, ExportsTable]]:
    """Run the console with a list of the small fleet, or of a cluster."""
    api = workloads.api(workloads.FAILED)

    async def open_cluster(uid: str, report: Any) -> Any:
        return api

    async with console(size=(160, 30), open_cluster=open_cluster) as (pilot, _, made):
        made.store.emit("plane", CLUSTERS.seen, {"docs": clusters(), "complete": True}, NOW - 3)
        made.store.flush()
        pilot.app.open_view(view, CLUSTER if view in WORKLOADS else "")  # type: ignore[attr-defined]
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportsTable) and bool(pilot.app.screen.table.keys))
        screen = pilot.app.screen
        assert isinstance(screen, ExportsTable)
        yield pilot, screen


EMPTY = [*((view, "empty") for view in LISTS), ("pods", "simulated"), ("nodes", "simulated")]


@pytest.mark.parametrize(("view", "state"), EMPTY, ids=[f"{view}-{state}" for view, state in EMPTY])
async def test_each_key_of_a_list_without_rows_does_something(view: str, state: str) -> None:
    async with list_without_rows(view, state) as (pilot, screen):
        await until(pilot, lambda: screen.is_settled)
        keys = offered(screen)
        assert {"command", "help"} < set(keys) and not NEED_ROWS.intersection(keys)
        for name in [name for name in keys if name not in ("command", "help")]:
            before = state_of(pilot)
            await press(pilot, keys[name])
            assert state_of(pilot) != before, f"{name}: {newest_message(screen.session)}"
            await back_to(pilot, screen)


@pytest.mark.parametrize("view", ["hosts", "clusters", "pods"])
async def test_a_list_that_is_still_read_offers_nothing_that_needs_a_row(view: str) -> None:
    async with list_without_rows(view, "loading") as (_, screen):
        assert offered(screen) and not NEED_ROWS.intersection(offered(screen))
        assert screen.is_settled or "filter" in offered(screen), "a filter may be typed before the rows are there"


@pytest.mark.parametrize("view", ["hosts", "tokens", "pods"])
async def test_keys_that_need_a_row_are_offered_with_the_first_row_and_leave_with_the_last(view: str) -> None:
    async with list_with_rows(view) as (pilot, screen):
        there = NEED_ROWS.intersection(offered(screen))
        assert "nav-open" in there and len(there) > 1
        await press(pilot, "slash", *"nosuch", "enter")
        await until(pilot, lambda: not screen.table.keys)
        assert not NEED_ROWS.intersection(offered(screen)) and "filter" in offered(screen)
        assert "open" not in frame_text(pilot.app, "keys")
        await press(pilot, "escape")
        await until(pilot, lambda: bool(screen.table.keys) and "enter" in frame_text(pilot.app, "keys"))
        assert NEED_ROWS.intersection(offered(screen)) == there and "filter" in frame_text(pilot.app, "keys")


async def test_keys_for_one_pod_leave_while_several_are_marked() -> None:
    async with list_with_rows("pods") as (pilot, screen):
        one = {"kube-pod-shell", "kube-object-edit", "kube-pod-forward"}
        assert one < set(offered(screen))
        await press(pilot, "space", "space")
        assert not one.intersection(offered(screen)) and {"kube-pod-logs", "kube-object-delete"} < set(offered(screen))
        assert "shell" not in frame_text(pilot.app, "keys")
        await press(pilot, "ctrl+backslash")
        assert one < set(offered(screen)) and "shell" in frame_text(pilot.app, "keys")


@pytest.mark.parametrize("view", ["host", "token", "user", "cluster", "installer"])
async def test_what_does_not_exist_offers_no_key_that_needs_it(view: str) -> None:
    async with console_without_rows(view, "empty", "gone-1") as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, BaseScreen) and screen.view == view
        await until(pilot, lambda: screen.is_settled)
        assert not NEED_ROWS.intersection(offered(screen)) and "help" in offered(screen)


def offered(screen: BaseScreen) -> dict[str, str]:
    """Return the keys of the key line by the id of what they do."""
    ids = {key: name for name, keys in keys_by_id(screen).items() for key in keys}
    return {ids[hint.key]: hint.key for hint in screen.key_hints() if hint.enabled}


async def back_to(pilot: Driven, screen: ExportsTable) -> None:
    """Close what a key opened."""
    for _ in range(4):
        if pilot.app.screen is screen and not screen.prompt.is_open:
            return
        await press(pilot, "escape")
    raise AssertionError("escape does not lead back to the list")
