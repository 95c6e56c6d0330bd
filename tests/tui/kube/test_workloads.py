"""Screens of what runs in a cluster, over a fake API: states, keys, the way from one to the next."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edgewright.clients.kube import watching
from edgewright.core.errors import Unreachable
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.engine.store import Store
from tests.tui import workloads
from tests.tui.clusters import clusters
from tests.tui.driving import Driven, frame_text, newest_message, press, settle, until, view
from tests.tui.fake_cluster_api import FakeClusterApi
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tests.tui.test_typing_ahead import burst
from tui.app import EdgewrightApp
from tui.frame.base import CommandTyped
from tui.screens.workloads import describe
from tui.screens.workloads import list as list_module
from tui.screens.workloads.list import MEASURED, WorkloadsScreen
from tui.terminal.paint.screen_text import screen_text

CLUSTER = "c-healthy"
LOST = Unreachable("The API of pos-kiel cannot be reached: no route to host.", "See: edgewright kube reach")
STATES: dict[str, dict[str, list[dict[str, Any]]]] = {
    "empty": workloads.EMPTY,
    "loading": workloads.OBJECTS,
    "healthy": workloads.OBJECTS,
    "degraded": workloads.DEGRADED,
    "failed": workloads.FAILED,
    "stale": workloads.FAILED,
    "simulated": {},
    "absent": {path: each for path, each in workloads.OBJECTS.items() if path != workloads.MACHINES},
}


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    monkeypatch.setattr(watching, "CHECK_EVERY", 60.0)


def made(name: str, state: str = "failed", rest: str = "") -> tuple[EdgewrightApp, FakeClusterApi]:
    store = fill(Store(clock=lambda: NOW))
    documents = clusters()
    for each in documents:
        each["status"]["edgewright"]["simulated"] = state == "simulated"
    store.emit("plane", CLUSTERS.seen, {"docs": documents, "complete": True}, NOW - 3)
    store.flush()
    api = workloads.api(STATES[state])

    async def open_cluster(uid: str, report: Callable[[str], None]) -> FakeClusterApi:
        if state == "loading":
            report("The relay of the plane is asked for a way to pos-kiel ...")
            await asyncio.Event().wait()
        return api

    shown = session(store, start_view=name, start_target=f"{CLUSTER}{rest}", open_cluster=open_cluster)
    shown.make_context = lambda: context_of(FakePlane(), store)
    return EdgewrightApp(shown), api


def front(pilot: Driven) -> WorkloadsScreen:
    screen = pilot.app.screen
    assert isinstance(screen, WorkloadsScreen)
    return screen


async def shown(pilot: Driven) -> None:
    """Wait until what is in front has been read."""
    screen: Any = pilot.app.screen
    if isinstance(screen, WorkloadsScreen):
        await until(pilot, lambda: screen.is_settled)
        opened, kind = screen._opened, screen.kind.name
        await until(pilot, lambda: opened is None or kind not in MEASURED or kind in opened.usage)
    else:
        await until(pilot, lambda: screen._document is not None or bool(screen._error))
    screen.select()
    await settle(pilot)


async def command(pilot: Driven, text: str) -> None:
    pilot.app.screen.post_message(CommandTyped(text))
    await settle(pilot)


@asynccontextmanager
async def console(
    name: str, state: str = "failed", rest: str = "", size: tuple[int, int] = (132, 43)
) -> AsyncIterator[tuple[Driven, FakeClusterApi]]:
    app, api = made(name, state, rest)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        await shown(pilot)
        yield pilot, api


async def lose(pilot: Driven, app: EdgewrightApp, api: FakeClusterApi) -> None:
    """Let the API be out of reach for four minutes."""
    api.failure = LOST
    api.end(LOST)
    screen: Any = pilot.app.screen
    if isinstance(screen, WorkloadsScreen):
        await until(pilot, lambda: bool(screen._watched and (screen._watched.error or screen._watched.unknown)))
    else:
        screen.read()
        await until(pilot, lambda: bool(screen._error))
    app.session.now = lambda: NOW + 252
    screen._opened._clock = lambda: NOW
    screen.select()


async def test_rows_follow_the_watch_and_the_cursor_stays_on_its_pod() -> None:
    async with console("pods", "healthy") as (pilot, api):
        screen = front(pilot)
        screen.table.point_at("shop/vision-0")
        api.send(workloads.PODS, "ADDED", workloads.pod("aaa-0", state="CrashLoopBackOff"))
        await until(pilot, lambda: "shop/aaa-0" in screen.table.keys)
        assert screen.table.keys[0] == "shop/aaa-0" and screen.table.cursor_key == "shop/vision-0"
        api.send(workloads.PODS, "DELETED", workloads.pod("aaa-0"))
        await until(pilot, lambda: "shop/aaa-0" not in screen.table.keys)
        assert "4 · watched" in frame_text(pilot.app, "crumb")


async def test_the_worst_of_a_later_page_is_in_front_when_the_list_is_complete() -> None:
    app, api = made("pods", "healthy")
    api.page = 2
    api.objects[workloads.PODS] = [*workloads.HEALTHY_PODS, *workloads.FAILED_PODS]
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await until(pilot, lambda: len(front(pilot).table.keys) == 7)
        assert front(pilot).table.cursor_key == "shop/web-7d9f8c6b5-zzzzz"


async def test_digits_choose_a_namespace_and_zero_shows_all() -> None:
    async with console("pods") as (pilot, _):
        screen = front(pilot)
        await until(pilot, lambda: bool(screen._opened and screen._opened.namespaces))
        await press(pilot, "2")
        assert screen.table.keys == ("kube-system/coredns-6f6b679f8f-abcde",)
        assert "Pods in kube-system" in frame_text(pilot.app, "crumb")
        await press(pilot, "9")
        assert "There is no namespace 9: the cluster has 3." in newest_message(screen.session)
        await press(pilot, "0")
        assert len(screen.table.keys) == 7


async def test_a_filter_by_label_field_and_text() -> None:
    async with console("pods") as (pilot, _):
        screen = front(pilot)
        for text, count in (
            ("-l app=web", 3),
            ("restarts>3", 1),
            ("gpu>0", 2),
            ("status:Pending", 1),
            ("edge-11d0", 2),
        ):
            screen.set_filter(text)
            assert len(screen.table.keys) == count, text
        screen.set_filter("node:edge-11d0 -status:Completed")
        assert screen.table.keys == ("shop/web-7d9f8c6b5-9pl7w",)


async def test_enter_leads_from_a_deployment_a_service_and_a_node_to_its_pods_and_to_one_pod() -> None:
    async with console("deployments") as (pilot, _):
        await press(pilot, "enter")
        assert "Pods of deployment/web" in frame_text(pilot.app, "crumb")
        assert len(front(pilot).table.keys) == 3
        await press(pilot, "enter")
        await shown(pilot)
        assert view(pilot) == "workload" and "back-off 5m0s" in screen_text(pilot.app)
        await press(pilot, "escape", "escape")
        await command(pilot, "nodes")
        assert view(pilot) == "nodes"
        front(pilot).table.point_at("edge-11d0")
        await press(pilot, "enter")
        assert sorted(front(pilot).table.keys) == ["shop/report-28912", "shop/web-7d9f8c6b5-9pl7w"]


async def test_a_description_is_read_at_once_and_not_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "EVERY", 1000.0)
    async with console("pods") as (pilot, api):
        await press(pilot, "d")
        await until(pilot, lambda: "CONTAINERS" in screen_text(pilot.app))
        await press(pilot, "escape", "y")
        await until(pilot, lambda: "apiVersion: v1" in screen_text(pilot.app))
        await press(pilot, "escape")
        path = front(pilot).kind.path_of(front(pilot).table.cursor_key)
        assert len([each for each in api.requests if each[:2] == ("GET", path)]) == 2


async def test_events_are_those_of_the_cluster_here_and_those_of_the_plane_elsewhere() -> None:
    async with console("pods") as (pilot, _):
        await command(pilot, "events")
        assert view(pilot) == "cluster-events"
        await command(pilot, "pulse")
        await command(pilot, "events")
        assert view(pilot) == "events"
        await command(pilot, "events --cluster pos-kiel")
        assert view(pilot) == "cluster-events"
        await command(pilot, "svc --cluster=pos-kiel")
        assert view(pilot) == "services"


async def test_one_port_and_one_watch_for_all_screens_of_a_cluster() -> None:
    async with console("nodes") as (pilot, api):
        await command(pilot, "pods")
        await press(pilot, "w", "down", "enter")
        assert view(pilot) == "deployments"
        assert sum(1 for method, path, _ in api.requests if method == "WATCH" and path.startswith(workloads.PODS)) == 1


async def test_what_is_in_use_is_shown_where_there_are_metrics_and_its_absence_where_not() -> None:
    base = "/apis/metrics.k8s.io/v1beta1"
    app, api = made("pods", "healthy")
    used = {"name": "vision-0", "namespace": "shop"}
    api.objects[f"{base}/pods"] = [{"metadata": used, "containers": [{"usage": {"cpu": "250m", "memory": "64Mi"}}]}]
    async with app.run_test(size=(200, 60)) as pilot:
        await settle(pilot)
        await shown(pilot)
        front(pilot).table.point_at("shop/vision-0")
        await until(pilot, lambda: "250 m CPU, 64 MiB" in screen_text(pilot.app))
        tables = [line.partition("│")[0] for line in screen_text(pilot.app).splitlines()]
        row = next(line for line in tables if "vision-0" in line)
        assert "CPU/m MEM/Mi" in screen_text(pilot.app) and re.search(r"edge-11d1 +250 +64 ", row), row
        await command(pilot, "nodes")
        await until(pilot, lambda: "this cluster has no metrics API: install metrics-server" in joined(pilot))
        assert "CPU%" in screen_text(pilot.app)


def joined(pilot: Driven) -> str:
    """Return the text of the detail beside the list without its line ends."""
    lines = (line.partition("│")[2].strip() for line in screen_text(pilot.app).splitlines())
    return " ".join(lines)


async def test_a_lost_api_leaves_the_rows_and_shows_how_old_they_are() -> None:
    async with console("pods") as (pilot, api):
        screen = front(pilot)
        api.failure = LOST
        api.end(LOST)
        await until(pilot, lambda: "stale" in frame_text(pilot.app, "crumb"))
        assert len(screen.table.keys) == 7 and "no route to host" in screen_text(pilot.app)


async def test_a_cluster_without_kubevirt_has_no_machines_and_reports_why() -> None:
    async with console("machines", "absent") as (pilot, _):
        assert "KubeVirt is not installed in this cluster" in screen_text(pilot.app)


async def test_keys_typed_ahead_wait_for_the_rows_of_the_list_that_they_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """`w jjjjj enter r` in one write drains a node: the rows came a quarter of a second after the list was complete."""
    monkeypatch.setattr(list_module, "EVERY", 1000.0)
    async with console("pods") as (pilot, api):
        assert isinstance(pilot.app, EdgewrightApp)
        answer = api.request

        async def late(method: str, path: str, *more: Any) -> bytes:
            if path.startswith(workloads.NODES):
                await asyncio.sleep(0.1)
            return await answer(method, path, *more)

        monkeypatch.setattr(api, "request", late)
        burst(pilot.app, "wjjjjj\rd")
        await until(pilot, lambda: view(pilot) == "workload")
        assert "edge-7f3a" in frame_text(pilot.app, "crumb") and "Nodes" in frame_text(pilot.app, "crumb")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("l", "vision-1 is Pending and on no node (0/3 nodes are available: 3 Insufficient nvidia.com/gpu)"),
        ("s", "there is no container yet."),
        ("F", "no port leads there yet."),
    ],
)
async def test_a_pod_without_a_node_has_no_containers(key: str, expected: str) -> None:
    async with console("pods") as (pilot, _):
        screen = front(pilot)
        screen.table.point_at("shop/vision-1")
        await settle(pilot)
        assert not {"l", "s", "p", "F"}.intersection(hint.key for hint in screen.key_hints())
        await press(pilot, key)
        assert expected in newest_message(screen.session) and view(pilot) == "pods"
        screen.table.point_at("shop/web-7d9f8c6b5-zzzzz")
        await settle(pilot)
        assert {"l", "s", "p"} <= {hint.key for hint in screen.key_hints()}
