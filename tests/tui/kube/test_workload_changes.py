"""Keys that change objects of a cluster: edit in the user's editor, scale, restart; former logs, ports."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from edgewright.clients.kube.refusals import of_status
from edgewright.commands.kube.changes import forwarding
from edgewright.core.errors import InvalidInput
from tests.tui import workloads
from tests.tui.driving import frame_text, newest_message, press, said, settle, until, view
from tests.tui.kube.test_workload_verbs import LOG, stamped
from tests.tui.kube.test_workloads import command, console, front
from tui.screens.workloads.logs import PodLogsScreen
from tui.terminal import editor
from tui.terminal.paint.screen_text import screen_text

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"


def program(path: Path, text: str) -> Path:
    """Write an executable program in Python."""
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


def sent(api: Any) -> list[tuple[str, str, Any]]:
    return [each for each in api.requests if each[0] not in ("GET", "WATCH")]


@pytest.fixture
def replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that sets the replicas: to `many` first, then to 5; it notes the mode of its file."""
    text = f"""
import os, re, sys
path = sys.argv[-1]
text = open(path).read()
count = {str(tmp_path / "count")!r}
seen = open(count).read() if os.path.exists(count) else ""
open(count, "w").write(seen + oct(os.stat(path).st_mode & 0o777) + text.splitlines()[0] + "\\n")
open(path, "w").write(re.sub(r"replicas: \\w+", "replicas: 5" if seen else "replicas: many", text))
"""
    monkeypatch.setenv("KUBE_EDITOR", f"{program(tmp_path / 'edit', text)} -w")


async def test_an_edit_that_is_refused_opens_the_editor_again_and_the_difference_is_agreed_to(
    tmp_path: Path, replaces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console("deployments", "healthy") as (pilot, api):
        patch = api._patch

        def checked(path: str, query: str, body: Any) -> Any:
            if body["spec"]["replicas"] == "many":
                raise of_status(400, "spec.replicas: expected integer")
            return patch(path, query, body)

        monkeypatch.setattr(api, "_patch", checked)
        front(pilot).table.point_at("shop/web")
        await press(pilot, "e")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "-  replicas: 2" in said(pilot) and "+  replicas: 5" in said(pilot)
        first, second = (tmp_path / "count").read_text().splitlines()
        assert first.startswith("0o600# Lines that begin") and second.startswith("0o600# Spec.replicas: expected int")
        await press(pilot, "enter")  # Cancel is the default
        assert "cancelled, nothing changed" in newest_message(front(pilot).session)
        assert all("dryRun=All" in path for _, path, _ in sent(api))
        await press(pilot, "e")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "dryRun" not in sent(api)[-1][1])
        await until(pilot, lambda: "deployment shop/web edited." in newest_message(front(pilot).session))


async def test_an_editor_that_changes_nothing_fails_or_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console("pods", "healthy") as (pilot, api):
        session = front(pilot).session
        monkeypatch.setenv("KUBE_EDITOR", str(program(tmp_path / "edit", "")))
        await press(pilot, "e")
        await until(pilot, lambda: "was not changed" in newest_message(session))
        program(tmp_path / "edit", "raise SystemExit(3)")
        await press(pilot, "e")
        await until(pilot, lambda: "ended with code 3, so nothing was" in newest_message(session))
        monkeypatch.setenv("KUBE_EDITOR", "/nonexistent/ed --wait")
        await press(pilot, "e")
        await until(pilot, lambda: "The editor /nonexistent/ed is not on PATH." in newest_message(session))
        monkeypatch.setenv("PATH", "/nonexistent")
        monkeypatch.delenv("KUBE_EDITOR")
        for name in editor.VARIABLES:
            monkeypatch.delenv(name, raising=False)
        await press(pilot, "e")
        await until(pilot, lambda: "No editor was found on PATH." in newest_message(session))
        opened: Any = front(pilot)._opened
        kept, opened.api, opened.error = opened.api, None, "No route to host."
        await press(pilot, "e")
        await until(pilot, lambda: "is not open. No route to host." in newest_message(session))
        opened.api, opened.error = kept, ""
        session.read_only = True
        await press(pilot, "e")
        await until(pilot, lambda: "read-only" in newest_message(session))
        assert not sent(api)


async def test_scale_asks_for_a_number_and_less_pods_are_agreed_to() -> None:
    async with console("deployments", "healthy") as (pilot, api):
        front(pilot).table.point_at("shop/web")
        await press(pilot, "s")
        await until(pilot, lambda: view(pilot) == "FormModal")
        assert "Scale deployment shop/web" in screen_text(pilot.app) and "2 now" in screen_text(pilot.app)
        await press(pilot, "backspace", "x", "enter", "enter")
        assert view(pilot) == "FormModal" and "is not a number of pods" in screen_text(pilot.app) and not sent(api)
        field = pilot.app.screen.query_one("Input")
        field.focus()
        await press(pilot, "backspace", "1", "enter")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "1 pod of shop/web end" in said(pilot)
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: bool(sent(api)))
        assert sent(api)[0] == ("PATCH", f"{WEB}/scale", {"spec": {"replicas": 1}})


async def test_a_restart_is_agreed_to_and_a_daemon_set_is_not_scaled() -> None:
    async with console("deployments", "healthy") as (pilot, api):
        front(pilot).table.point_at("shop/web")
        await press(pilot, "r")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        assert "2 pods replaced one after the other" in said(pilot)
        await press(pilot, "enter")
        assert not sent(api)
        await press(pilot, "r")
        await until(pilot, lambda: view(pilot) == "ConfirmModal")
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: bool(sent(api)) and sent(api)[0][1] == WEB)
        api.objects["/apis/apps/v1/daemonsets"] = [workloads.deployment("cni", 1, 1)]
        await command(pilot, "ds")
        await until(pilot, lambda: view(pilot) == "daemonsets" and bool(front(pilot).table.keys))
        await press(pilot, "s")
        assert "one pod on each node" in newest_message(front(pilot).session)


async def test_the_log_of_former_containers_is_read_once() -> None:
    async with console("pods", "failed") as (pilot, api):
        path = LOG.format("web-7d9f8c6b5-zzzzz")
        api.logs[path] = [stamped(1, "panic: no till")]
        front(pilot).table.point_at("shop/web-7d9f8c6b5-zzzzz")
        await press(pilot, "p")
        await until(pilot, lambda: "panic: no till" in said(pilot))
        assert "former log of web-7d9f8c6b5-zzzzz" in frame_text(pilot.app, "crumb")
        assert "follow" not in frame_text(pilot.app, "keys"), "there is nothing to follow in a log that has ended"
        asked = [each[1] for each in api.requests if each[1].startswith(path)]
        assert len(asked) == 1 and "previous=true" in asked[0] and "follow" not in asked[0]
        await press(pilot, "s")
        screen = pilot.app.screen
        assert isinstance(screen, PodLogsScreen) and not screen.following
        assert "nothing to follow" in newest_message(screen.session)
        await press(pilot, "escape")
        refused = of_status(400, 'previous terminated container "main" in pod "vision-0" not found', "BadRequest")
        api.refuse[LOG.format("vision-0")] = refused
        front(pilot).table.point_at("shop/vision-0")
        await press(pilot, "p")
        await until(pilot, lambda: "did not restart, so there is no former log" in said(pilot))


FORWARDS = """
import signal, socket, sys, time
words = sys.argv[1:]
assert words[:5] == ["port-forward", "--address", "127.0.0.1", "-n", "shop"], words
local, _, remote = words[-1].partition(":")
if remote == "99":
    print("error: unable to forward port because pod is not running. Current status=Pending", file=sys.stderr)
    sys.exit(1)
port = socket.create_server(("127.0.0.1", int(local or 0)))
print(f"Forwarding from 127.0.0.1:{port.getsockname()[1]} -> {remote}", flush=True)
time.sleep(600)
"""


async def test_a_port_leads_to_a_pod_until_it_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "kubectl", FORWARDS)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(forwarding, "reached", no_way)
    monkeypatch.setattr(forwarding, "cluster", a_cluster)
    async with console("pods", "healthy") as (pilot, api):
        session = front(pilot).session
        await press(pilot, "f")
        assert "No port leads into a cluster" in newest_message(session)
        api.objects[workloads.PODS][2]["spec"]["containers"][0]["ports"] = [{"containerPort": 8080}]
        front(pilot).table.point_at("shop/vision-0")
        await press(pilot, "F")
        await until(pilot, lambda: view(pilot) == "FormModal")
        assert "it names 8080" in screen_text(pilot.app)
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: len(session.forwards) == 1)
        forward = session.forwards[0]
        assert f"127.0.0.1:{forward.local} leads to port 8080 of pod/vision-0" in newest_message(session)
        _, writer = await asyncio.open_connection("127.0.0.1", forward.local)
        writer.close()
        await press(pilot, "f")
        await until(pilot, lambda: view(pilot) == "ChooseModal")
        assert f"127.0.0.1:{forward.local}" in said(pilot) and "pos-kiel shop pod/vision-0:8080" in said(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: not session.forwards and "leads to pod/vision-0 no more" in newest_message(session))
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", forward.local)
        await press(pilot, "F")
        await until(pilot, lambda: view(pilot) == "FormModal")
        await press(pilot, *["backspace"] * 4, "9", "9", "enter", "enter")
        await until(pilot, lambda: "pod is not running" in said(pilot) + newest_message(session))
        assert not session.forwards
        await settle(pilot)


class NoWay:
    """In place of the way to an API: the program in place of kubectl asks none."""

    def __init__(self, *_: Any) -> None: ...

    async def __aenter__(self) -> dict[str, str]:
        return {}

    async def __aexit__(self, *_: object) -> None: ...


no_way = NoWay


async def a_cluster(_: Any, target: str) -> Any:
    class Row:
        uid, name = target, "pos-kiel"

    return Row()


@pytest.mark.parametrize("ports", [["", "0"], ["70000", "1"], ["x", ""], ["1.5", ""]])
def test_what_is_no_port_is_refused(ports: list[str]) -> None:
    with pytest.raises(InvalidInput, match="is not a port"):
        forwarding.port_of(ports[0])
    assert forwarding.port_of("", free=True) == 0 and forwarding.port_of("8080") == 8080
