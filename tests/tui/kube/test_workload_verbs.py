"""Keys of the workloads' screens that do something: logs of several pods, delete, cordon, a shell without kubectl."""

from __future__ import annotations

import pytest

from tests.tui import workloads
from tests.tui.driving import frame_text, newest_message, press, said, settle, until, view
from tests.tui.fake_cluster_api import FakeClusterApi
from tests.tui.kube.test_workloads import console, front
from tui.screens.workloads import logs
from tui.screens.workloads.logs import PodLogsScreen

LOG = "/api/v1/namespaces/shop/pods/{}/log"


def stamped(second: int, text: str) -> str:
    return f"2026-11-23T14:01:{second:02d}.000000000Z {text}"


def fill(api: FakeClusterApi) -> None:
    api.logs[LOG.format("web-7d9f8c6b5-2xk4q")] = [stamped(1, "GET /"), stamped(5, "GET /till")]
    api.logs[LOG.format("web-7d9f8c6b5-9pl7w")] = [stamped(3, "error: no till\x1b[2J"), stamped(4, "GET /stock")]


async def test_logs_of_marked_pods_are_merged_by_time_with_the_name_of_their_pod() -> None:
    async with console("pods", "healthy") as (pilot, api):
        fill(api)
        front(pilot).table.set_marks(["shop/web-7d9f8c6b5-2xk4q", "shop/web-7d9f8c6b5-9pl7w"])
        await press(pilot, "l")
        assert view(pilot) == "workload-logs"
        await until(pilot, lambda: "GET /till" in said(pilot))
        lines = [line.split(" ", 1) for line in said(pilot).splitlines() if line.startswith("web-")]
        assert [text for _, text in lines] == ["GET /", "error: no till\ufffd[2J", "GET /stock", "GET /till"]
        assert lines[1][0] == "web-7d9f8c6b5-9pl7w" and "log of 2 pods" in frame_text(pilot.app, "crumb")
        api.put(LOG.format("web-7d9f8c6b5-2xk4q"), stamped(9, "GET /new"))
        await until(pilot, lambda: "GET /new" in said(pilot))
        await press(pilot, "s")
        screen = pilot.app.screen
        assert isinstance(screen, PodLogsScreen) and not screen._tasks and "following" not in screen.count()


async def test_logs_of_a_deployment_are_those_of_its_pods_and_memory_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "MAX_LINES", 50)
    async with console("deployments", "healthy") as (pilot, api):
        api.logs[LOG.format("web-7d9f8c6b5-2xk4q")] = [stamped(at % 60, f"line {at}") for at in range(300)]
        front(pilot).table.point_at("shop/web")
        await press(pilot, "l")
        await until(pilot, lambda: "line 1" in said(pilot))
        assert "log of deployment/web" in frame_text(pilot.app, "crumb")
        screen = pilot.app.screen
        assert isinstance(screen, PodLogsScreen) and len(screen.log_lines.lines) <= 60
        assert "lines between were not fetched" in said(pilot)


async def test_delete_shows_its_plan_with_cancel_as_the_default() -> None:
    async with console("pods", "healthy") as (pilot, api):
        front(pilot).table.point_at("shop/vision-0")
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "StatefulSet/vision starts another one" in said(pilot)
        await press(pilot, "enter")
        assert "cancelled, nothing changed" in newest_message(front(pilot).session)
        assert not [each for each in api.requests if each[0] == "DELETE"]
        await press(pilot, "ctrl+d")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: any(each[0] == "DELETE" for each in api.requests))


async def test_keys_of_nodes_and_what_pods_alone_have() -> None:
    async with console("nodes", "healthy") as (pilot, api):
        await press(pilot, "c")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "enter")
        await until(pilot, lambda: any(each[0] == "PATCH" for each in api.requests))
        path, body = next(each[1:] for each in api.requests if each[0] == "PATCH")
        assert path == f"{workloads.NODES}/edge-11d0" and body == {"spec": {"unschedulable": True}}


async def test_without_kubectl_there_is_no_shell_and_the_message_names_the_next_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    async with console("pods", "healthy") as (pilot, _):
        session = front(pilot).session
        await press(pilot, "s")
        await until(pilot, lambda: "kubectl is not on PATH" in newest_message(session))
        assert "edgewright kube proxy" in newest_message(session)
        session.read_only = True
        await press(pilot, "s")
        await settle(pilot)
        assert "read-only" in newest_message(session)
