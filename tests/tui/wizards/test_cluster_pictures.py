"""Pictures of the cluster wizard: each page, and each page with an error on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from edgewright.core.errors import TimedOut
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, press, settle, until, view
from tests.tui.plane import context_of
from tests.tui.samples import NOW, fill, session
from tests.tui.screens.test_screen_pictures import Compare
from tests.tui.wizards.cluster_plane import ANSWERS, SHORT, ClusterPlane, at, on, small_fleet, wizard
from tui.app import EdgewrightApp

SMALL = pytest.param((80, 24), id="80x24")
LARGE = pytest.param((132, 43), id="132x43", marks=pytest.mark.e2e)
WALL = pytest.param((200, 60), id="200x60", marks=pytest.mark.e2e)
Run = Callable[[Driven], Awaitable[None]]


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


def app(plane: ClusterPlane | None = None, **fields: Any) -> EdgewrightApp:
    plane = plane or ClusterPlane()
    plane.hosts = {each["metadata"]["uid"]: each for each in small_fleet()}
    store = Store(clock=lambda: NOW)
    made = session(fill(store, small_fleet()), start_view="cluster-new", **fields)
    made.make_context = lambda: context_of(plane, store, made.read_only)
    return EdgewrightApp(made)


def page(key: str, **changes: Any) -> Run:
    async def run(pilot: Driven) -> None:
        await at(pilot, key, **changes)

    return run


async def pool(pilot: Driven) -> None:
    await at(pilot, "hosts")
    wizard(pilot).query_one("#hosts").point_at("pool/1")  # type: ignore[attr-defined]
    await press(pilot, "enter")
    await until(pilot, lambda: view(pilot) == "RowModal")


PAGES: dict[str, Run] = {
    key: page(key) for key in ("about", "profile", "variables", "network", "hosts", "preflight", "settings", "summary")
}


FAST = ("hosts", "preflight", "summary")
"""Pages whose pictures, and whose pictures with an error, are not left to `make e2e`."""


def names(pages: dict[str, Run]) -> list[Any]:
    return [name if name in FAST else pytest.param(name, marks=pytest.mark.e2e) for name in pages]


@pytest.mark.parametrize("size", [SMALL, LARGE, WALL])
@pytest.mark.parametrize("name", names(PAGES))
def test_page(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    async def run(pilot: Driven) -> None:
        await PAGES[name](pilot)
        await settle(pilot)

    assert snap_compare(app(), terminal_size=size, run_before=run)


async def wrong_about(pilot: Driven) -> None:
    await on(pilot, "about")
    await press(pilot, *"Store 7", "pagedown")


async def wrong_profile(pilot: Driven) -> None:
    await at(pilot, "profile", profiles=[])
    await press(pilot, "pagedown")


async def wrong_variables(pilot: Driven) -> None:
    await at(pilot, "variables", variables={"prof-1": {"copies": "two"}})
    await press(pilot, "pagedown")


async def wrong_network(pilot: Driven) -> None:
    await at(pilot, "network", vip="api.example.org")
    await press(pilot, "pagedown")


async def wrong_hosts(pilot: Driven) -> None:
    lost = {"uid": "uid-edge-7f3a", "name": "edge-7f3a", "address": "", "nic": ""}
    await at(pilot, "hosts", pools=[{**ANSWERS["pools"][0], "hosts": [lost]}])
    await press(pilot, "pagedown")


async def wrong_settings(pilot: Driven) -> None:
    await at(pilot, "settings", ssh_keys=["-----BEGIN OPENSSH PRIVATE KEY-----"])
    await press(pilot, "pagedown")


async def wrong_summary(pilot: Driven) -> None:
    await at(pilot, "summary", vip="", profiles=[])


WRONG: dict[str, Run] = {
    "about": wrong_about,
    "profile": wrong_profile,
    "variables": wrong_variables,
    "network": wrong_network,
    "hosts": wrong_hosts,
    "settings": wrong_settings,
    "summary": wrong_summary,
    "pool": pool,
}


@pytest.mark.parametrize("size", [SMALL, LARGE, WALL])
@pytest.mark.parametrize("name", names(WRONG))
def test_wrong(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    async def run(pilot: Driven) -> None:
        await WRONG[name](pilot)
        await settle(pilot)

    assert snap_compare(app(), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", [SMALL, LARGE, WALL])
def test_a_preflight_that_failed(snap_compare: Compare, size: tuple[int, int]) -> None:
    plane = ClusterPlane()
    plane.checks["uid-shop-1"] = SHORT
    plane.wrong = [
        "shop-2 and shop-1 have the same machine-id. One disk is a copy: run systemd-machine-id-setup on it."
    ]

    async def run(pilot: Driven) -> None:
        await at(pilot, "preflight")
        await settle(pilot)

    assert snap_compare(app(plane), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", [SMALL, LARGE, WALL])
def test_hosts_that_do_not_answer(snap_compare: Compare, size: tuple[int, int]) -> None:
    plane = ClusterPlane()
    plane.failing = TimedOut("The host did not answer the preflight within 20 s.", "See host show.")

    async def run(pilot: Driven) -> None:
        await at(pilot, "summary")
        wizard(pilot).begin_preflight()
        await on(pilot, "summary")
        await settle(pilot)

    assert snap_compare(app(plane), terminal_size=size, run_before=run)


def test_a_read_only_session(snap_compare: Compare) -> None:
    async def run(pilot: Driven) -> None:
        await at(pilot, "summary")
        await settle(pilot)

    assert snap_compare(app(read_only=True), terminal_size=(80, 24), run_before=run)
