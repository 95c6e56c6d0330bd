"""Verbs ask for ports: each names what it needs, and a source without it answers with a sentence and a next step."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from edgewright.clients import ports
from edgewright.clients.palette.client import Credential, PlaneClient
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import Allowed, Command, Plan, Refusal
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import shown
from edgewright.config.settings import Settings
from edgewright.core.errors import Refused
from edgewright.store.engine.model import SourceStatus
from edgewright.store.engine.store import Store
from edgewright.wire import protocol
from tests.fake_connection import FakeConnection
from tests.tui.samples import fleet

ONLINE = [command for command in registry.all_commands() if command.online and not command.delegate]
ROOT = Path(registry.__file__).parents[1]


def context(offered: dict[type, object], plane: str = "") -> CommandContext:
    """Return a command context over a connection with these ports; with `plane` as the console has it."""
    store = None
    if plane:
        store = Store()
        told = {"state": "polling", "plane": plane, "missing": list(ports.names(ports.missing(plane)))}
        store.emit("plane", "source.state", told)
        store.flush()
    return CommandContext(Settings(), client=FakeConnection(offered), store=store)


@pytest.mark.parametrize("command", ONLINE, ids=lambda command: command.name)
def test_each_online_verb_names_its_ports(command: type[Command]) -> None:
    assert command.needs, f"`{command.name}` talks to the plane: name its ports in `needs`"
    assert set(command.needs) | set(command.uses) <= set(ports.BY_NAME)


def test_every_port_has_a_name_and_words() -> None:
    assert set(get_args(ports.PortName)) == set(ports.BY_NAME)
    assert set(ports.PHRASES) >= ports.RECORDED | ports.HUB_ONLY


def test_what_is_not_online_needs_no_port() -> None:
    assert [c.name for c in registry.all_commands() if not c.online and (c.needs or c.uses)] == []


def _asked(module: Path) -> set[str]:
    """Return the names of the ports that a module asks for by `port(...)`, `port_or_none(...)`, `offered(...)`."""
    calls = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
    found = {
        ast.unparse(c.args[-1]) for c in calls if c.args and ast.unparse(c.func).endswith((".port", ".port_or_none"))
    }
    return {name for name in found if name.startswith("Can")}


@pytest.mark.parametrize("noun", ["alert", "event", "filter", "host", "key", "project", "token", "user"])
def test_a_noun_declares_every_port_that_its_modules_ask_for(noun: str) -> None:
    declared = {
        port
        for c in ONLINE
        if noun in (c.name.split()[0], c.implementation.split(".")[0])
        for port in (*c.needs, *c.uses)
    }
    asked = {name for module in (ROOT / noun).glob("*.py") for name in _asked(module)}
    assert asked and asked <= declared, asked - declared


@pytest.mark.parametrize("command", [c for c in ONLINE if c.described], ids=lambda command: command.name)
def test_a_described_verb_declares_the_ports_of_its_collection(command: type[Command]) -> None:
    collection, table, reading = shown(command.name.split()[0])
    assert reading.port in command.needs
    assert table.project_of is None or "CanListProjects" in (*command.needs, *command.uses)
    assert collection.getter is None or collection.getter in command.needs


@pytest.mark.parametrize("command", ONLINE, ids=lambda command: command.name)
def test_a_source_that_lacks_the_port_gives_a_sentence(command: type[Command]) -> None:
    store = Store()
    status = SourceStatus(state="polling", plane="x", missing=ports.names(ports.PHRASES))
    refused = registry.unavailable(command, status)
    assert refused is not None and refused.reason.endswith("not available over this connection.") and refused.hint
    store.emit("plane", "source.state", {"state": "polling", "missing": list(ports.names(ports.PHRASES))})
    store.flush()
    ctx = CommandContext(Settings(), store=store, client=FakeConnection({}))
    verdict = registry.check(command, ctx, ("a",) if command.target else ())
    assert verdict == refused


ARGUMENTS: dict[str, dict[str, Any]] = {
    "token create": {"name": "shops"},
    "project create": {"name": "shops"},
    "filter create": {"name": "north", "tags": ["site:oslo"]},
    "host register": {"uid": "edge-1"},
    "host install": {"hosts": ["root@edge-9"]},
    "host tag": {"tags": ["a:b"]},
    "host untag": {"tags": ["a:b"]},
    "user create": {"email": "a@b.example", "role": "viewer"},
    "user update": {"role": "viewer"},
    "registry add": {"name": "site", "endpoint": "registry.example:5000"},
    "pack import": {"source": "demo:1.0.0", "registry": "site"},
    "profile clone": {"version": "2.0.0"},
    "profile definition": {"out": "site.tgz"},
    "macro set": {"name": "site", "value": "north"},
    "cluster forget": {"host": "edge-1"},
    "cluster release": {"host": "edge-1"},
    **{
        f"kube {verb}": {"arguments": ["pods"]}
        for verb in ("get", "describe", "logs", "exec", "apply", "delete", "drain", "restart", "port-forward")
    },
    "kube scale": {"arguments": ["deployment/web"], "replicas": 2},
    **{f"kube {verb}": {"arguments": ["edge-1"]} for verb in ("cordon", "uncordon")},
    "alert receiver add": {"name": "ops", "url": "https://ops.example/x"},
    "alert assign": {"assignee": "ana"},
    "alert note": {"text": "on it"},
}


RUN = [
    c
    for c in ONLINE
    if c.cli
    and c.name
    not in (
        "render",
        "record",
        "key create",
        "project use",
        "profile import",
        "cluster create",
        "cluster plan",
        "cluster apply",
    )
]


@pytest.mark.parametrize("command", RUN, ids=lambda command: command.name)
async def test_without_the_port_a_verb_ends_with_exit_code_4(command: type[Command]) -> None:
    targets = ("edge-1", "edge-2")[: command.target.least] if command.target else ()
    with pytest.raises(Refused, match="not available over this connection") as caught:
        await registry.run(command, context({}), targets, ARGUMENTS.get(command.name, {}))
    error = caught.value
    assert int(error.exit_code) == 4
    assert error.code == ports.NOT_AVAILABLE and error.hint


class OnlyHosts:
    """Reads and resets hosts: the least that `host reset` needs."""

    def __init__(self) -> None:
        self.was_reset: list[str] = []

    async def get(self, uid: str) -> dict[str, Any]:
        return fleet()[0]

    async def reset(self, uid: str) -> None:
        self.was_reset.append(uid)


async def test_host_reset_runs_over_a_client_of_its_ports_alone() -> None:
    hosts, reset = OnlyHosts(), registry.by_name("host reset")
    assert reset is not None
    ctx = context({ports.CanListHosts: hosts, ports.CanReset: hosts})
    outcome = await registry.run(reset, ctx, ("any",), {})
    assert hosts.was_reset == list(outcome.done) == [fleet()[0]["metadata"]["uid"]]


async def test_host_reset_with_its_plan_runs_over_one_port() -> None:
    hosts, reset = OnlyHosts(), registry.by_name("host reset")
    assert reset is not None
    plan = Plan("Reset edge-1", (), ("edge-1",), (), "")
    outcome = await registry.run(reset, context({ports.CanReset: hosts}), ("edge-1",), {}, plan=plan)
    assert hosts.was_reset == list(outcome.done) == ["edge-1"]


def _palette(request: httpx.Request) -> httpx.Response:
    """Answer as a Palette: it has no path for features."""
    assert request.url.path == protocol.FEATURES, "nothing else is asked"
    return httpx.Response(404, json={"code": 404, "message": "path was not found"})


@pytest.mark.parametrize("port", [ports.BY_NAME[name] for name in sorted(ports.BY_NAME)])
async def test_a_palette_offers_all_ports_but_those_of_a_hub(port: type) -> None:
    async with PlaneClient("https://plane.test", Credential(api_key="k"), http=httpx.MockTransport(_palette)) as client:
        if port in ports.HUB_ONLY:
            with pytest.raises(Refused, match="not available over this connection"):
                await client.port(port)
        else:
            assert await client.port(port) is not None


@pytest.mark.parametrize("plane", ["hub", "palette"])
def test_the_console_knows_before_what_a_palette_lacks(plane: str) -> None:
    ctx = context({}, plane)
    for name in ("host logs", "host disk", "alert assign", "assign", "silence", "alert receiver list"):
        command = registry.by_name(name)
        assert command is not None
        verdict = registry.check(command, ctx, ("uid",) if command.target else ())
        assert isinstance(verdict, Refusal if plane == "palette" else Allowed), name
    for name in ("host reset", "host tag", "token create", "event list", "acknowledge"):
        command = registry.by_name(name)
        assert command is not None
        assert isinstance(registry.check(command, ctx, ("uid",) if command.target else ()), Allowed), name


def test_a_recording_shows_lists_and_changes_nothing() -> None:
    missing = ports.missing("recording")
    status = SourceStatus(state="replay", missing=ports.names(missing))
    for command in ONLINE:
        if command.danger != "none" and command.name != "acknowledge":
            refused = registry.unavailable(command, status)
            if command.name != "alert acknowledge":
                assert refused is not None and refused.hint == ports.HINT_RECORDING, command.name
    for name in ("host list", "token list", "event list", "audit list", "pulse", "retry"):
        command_or_none = registry.by_name(name)
        assert command_or_none is not None and registry.unavailable(command_or_none, status) is None, name
