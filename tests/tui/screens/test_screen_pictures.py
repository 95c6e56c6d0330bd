"""Pictures of every screen: three sizes in dark, 80x24 in the other themes, and each state that a screen can be in."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.core.errors import Refused
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.collections.tokens import TOKENS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, press, settle
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, ago, fill, fleet, operation, session
from tests.tui.wizards.installing import StandIn
from tui.app import EdgewrightApp
from tui.modals.confirm import ConfirmModal
from tui.modals.run import RunModal
from tui.session import FirstRun, Session

Compare = Callable[..., bool]
SIZES = ((80, 24), (132, 43), (200, 60))
SCREENS = {
    "pulse": ("pulse", ""),
    "host": ("host", "uid-edge-7f3a"),
    "tokens": ("tokens", ""),
    "token": ("token", "tok-shop"),
    "events": ("events", ""),
    "audit": ("audit", ""),
}


def app_of(
    view: str, target: str = "", state: str = "live", hosts: list[dict[str, Any]] | None = None, **fields: Any
) -> EdgewrightApp:
    store = Store(clock=lambda: NOW)
    made: Session = session(fill(store, hosts, state), start_view=view, start_target=target, **fields)
    plane = FakePlane()
    made.make_context = lambda: context_of(plane, store, made.read_only)
    return EdgewrightApp(made)


async def ready(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "132x43", "200x60"])
@pytest.mark.parametrize("name", SCREENS)
def test_sizes(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(app_of(*SCREENS[name]), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("theme", ["light", "high-contrast", "mono", "ansi-dark"])
@pytest.mark.parametrize("name", ["pulse", "host", "tokens"])
def test_themes(snap_compare: Compare, name: str, theme: str) -> None:
    assert snap_compare(app_of(*SCREENS[name], theme=theme), terminal_size=(80, 24), run_before=ready)


@pytest.mark.parametrize("name", ["pulse", "host", "tokens", "events"])
def test_ascii(snap_compare: Compare, name: str) -> None:
    app = app_of(*SCREENS[name], theme="mono")
    app.session.terminal.ascii_only = True
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


@pytest.mark.parametrize("name", ["pulse", "host", "tokens", "events"])
def test_lost(snap_compare: Compare, name: str) -> None:
    app = app_of(*SCREENS[name], state="lost")
    app.session.make_context = None
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


def test_pulse_all_well(snap_compare: Compare) -> None:
    well = [doc for doc in fleet() if doc["metadata"]["name"].startswith("kiel")]
    app = app_of("pulse", hosts=well)
    app.session.store.emit("plane", TOKENS.seen, {"docs": [], "complete": True}, NOW)
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


@pytest.mark.parametrize("size", SIZES[:2], ids=["80x24", "132x43"])
@pytest.mark.parametrize(("name", "target"), [("pulse", ""), ("host", "uid-kiel-03")])
def test_working(snap_compare: Compare, name: str, target: str, size: tuple[int, int]) -> None:
    app = app_of(name, target)
    docs = [
        operation("op1", "kiel-03"),
        operation("op2", "kiel-04", left=-150, kind="collect-logs"),
        operation("op3", "kiel-03", left=-9000, state="failed", message="the cluster could not be forgotten"),
        *(operation(f"many{number}", f"kiel-{number:02}", left=600, kind="collect-logs") for number in range(9)),
    ]
    app.session.store.emit("plane", OPERATIONS.seen, {"docs": docs}, NOW)
    app.session.store.flush()
    assert snap_compare(app, terminal_size=size, run_before=ready)


def test_a_wrong_filter(snap_compare: Compare) -> None:
    async def typed(pilot: Driven) -> None:
        await ready(pilot)
        await press(pilot, "slash", *"namee:lab")

    assert snap_compare(app_of("tokens"), terminal_size=(80, 24), run_before=typed)


def empty_store() -> Store:
    store = Store(clock=lambda: NOW)
    store.emit("plane", kinds.SOURCE_STATE, {"state": "live", "since": NOW - 9, "contact": NOW - 3}, NOW - 3)
    store.flush()
    return store


@pytest.mark.parametrize("name", ["pulse", "tokens", "events"])
def test_empty(snap_compare: Compare, name: str) -> None:
    app = EdgewrightApp(session(empty_store(), start_view=name))
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


def test_loading(snap_compare: Compare) -> None:
    store = Store(clock=lambda: NOW)
    source = {"state": "loading", "since": NOW - 9, "done": 1200, "total": 30000}
    store.emit("plane", kinds.SOURCE_STATE, source, NOW - 3)
    store.flush()
    assert snap_compare(EdgewrightApp(session(store)), terminal_size=(80, 24), run_before=ready)


@pytest.mark.parametrize("name", ["help", "messages"])
def test_readers(snap_compare: Compare, name: str) -> None:
    app = app_of("pulse")
    app.session.store.emit("plane", kinds.MESSAGE, {"level": "ok", "text": "edge-0c11 is back after 9 min"}, NOW)

    async def run(pilot: Driven) -> None:
        await ready(pilot)
        await pilot.press("question_mark" if name == "help" else "exclamation_mark")
        await settle(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=run)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
def test_first_steps(snap_compare: Compare, size: tuple[int, int]) -> None:
    facts = SimpleNamespace(url="https://10.4.0.2:8443", ca="/c/ca.crt", movable=True)
    made = session(Store(clock=lambda: NOW), ways=FirstRun(deployment=lambda: facts), start_view="first-steps")
    made.installer = StandIn()
    app = EdgewrightApp(made)

    async def run(pilot: Driven) -> None:
        for _ in range(3):
            await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=run)


def test_raw(snap_compare: Compare) -> None:
    assert snap_compare(app_of("raw", "host/uid-edge-7f3a"), terminal_size=(80, 24), run_before=ready)


def test_a_fetch_that_failed(snap_compare: Compare) -> None:
    app = app_of("host", "uid-edge-7f3a")
    plane = FakePlane()
    plane.failure = Refused("Your key may not read this host.", "Ask for a role in its project.")
    app.session.make_context = lambda: context_of(plane, app.session.store)
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


@pytest.mark.parametrize("key", ["r", "ctrl+d", "plus"])
def test_questions(snap_compare: Compare, key: str) -> None:
    async def run(pilot: Driven) -> None:
        await ready(pilot)
        await pilot.press(key)
        for _ in range(5):
            await settle(pilot)

    assert snap_compare(app_of("tokens"), terminal_size=(80, 24), run_before=run)


def test_a_bulk_plan(snap_compare: Compare) -> None:
    plan = Plan(
        "Delete 40 hosts",
        ("Each host is taken out of the plane; the machine keeps running.",),
        tuple(f"edge-{index:04x}" for index in range(40)),
        ("40 credentials: they are refused from then on",),
        "edgewright host delete edge-0000 edge-0001 ...",
        "40",
    )

    async def run(pilot: Driven) -> None:
        await ready(pilot)
        pilot.app.push_screen(ConfirmModal(plan, "destructive"))
        await settle(pilot)

    assert snap_compare(app_of("pulse"), terminal_size=(80, 24), run_before=run)


def test_results_for_each_target(snap_compare: Compare) -> None:
    async def apply(report: Callable[[str], None]) -> Outcome:
        report("edge-11d0 deleted")
        error = Refused("The host is in use by cluster pos-kiel.", "Take it out of the cluster first.")
        return Outcome(("edge-11d0", "edge-11d1"), (("edge-0c11", error),), "2 of 3 hosts are deleted.")

    async def run(pilot: Driven) -> None:
        await ready(pilot)
        pilot.app.push_screen(RunModal("Delete 3 hosts", apply))
        for _ in range(3):
            await settle(pilot)

    assert snap_compare(app_of("pulse"), terminal_size=(80, 24), run_before=run)


@pytest.mark.parametrize("step", ["question", "form", "address", "failed"])
def test_first_run(snap_compare: Compare, step: str) -> None:
    cards = (("eth0", "10.4.0.2", "default route"), ("eth0", "fd00::2", "default route"), ("docker0", "172.17.0.1", ""))
    found = [SimpleNamespace(card=card, address=address, note=note) for card, address, note in cards]
    ways = FirstRun(addresses=lambda: found)
    app = EdgewrightApp(session(Store(clock=lambda: NOW), first_run=ways))
    app.session.context_name = app.session.plane = ""

    async def run(pilot: Driven) -> None:
        await settle(pilot)
        if step != "question":
            await pilot.press("2" if step == "form" else "1")
            await settle(pilot)
            if step == "failed":
                await pilot.press("1")
            for _ in range(3):
                await settle(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=run)


def test_leaving(snap_compare: Compare) -> None:
    app = app_of("pulse", hub_running=lambda: True)

    async def run(pilot: Driven) -> None:
        await ready(pilot)
        await pilot.press("ctrl+q")
        for _ in range(3):
            await settle(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=run)


def alerts() -> list[dict[str, Any]]:
    return [
        {
            "uid": "rejected/edge-9b01",
            "kind": "rejected",
            "subject": "edge-9b01",
            "text": "rejected: unknown registration token",
            "message": "This registration token is not known here.",
            "hint": "Put the text of a valid token into its user-data or token file (edgewright token list).",
            "code": "InvalidEdgeToken",
            "hostUids": [],
            "addresses": ["10.4.9.31"],
            "since": ago(1500),
            "last": ago(40),
            "count": 26,
            "owner": "operator",
        },
        {
            "uid": "duplicate-identity/uid-kiel-00",
            "kind": "duplicate-identity",
            "subject": "kiel-00",
            "text": "two machines report with this identity",
            "message": "Two machines report as kiel-00: 10.4.1.7 and 10.4.1.99. One of them has a copy of the other's "
            "data folder or machine-id; what the hub shows may be the state of either.",
            "hint": "On the copy, stop the agent and remove identity.json*, registration.json* and binding.json*.",
            "code": "DuplicateIdentity",
            "hostUids": ["uid-kiel-00"],
            "addresses": ["10.4.1.7", "10.4.1.99"],
            "since": ago(300),
            "last": ago(15),
            "count": 9,
            "owner": "operator",
        },
    ]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("only", [False, True], ids=["beside-others", "alone"])
def test_p39_pulse_with_alerts(snap_compare: Compare, size: tuple[int, int], only: bool) -> None:
    hosts = [host for host in fleet() if host["metadata"]["name"].startswith("kiel-")] if only else None
    app = app_of("pulse", hosts=hosts)
    store = app.session.store
    store.emit("plane", ALERTS.seen, {"docs": alerts(), "complete": True}, NOW - 3)
    store.flush()
    assert snap_compare(app, terminal_size=size, run_before=ready)


def plane_trouble() -> dict[str, Any]:
    return {
        "uid": "plane/storage",
        "kind": "plane",
        "subject": "management plane",
        "text": "cannot store: disk full",
        "message": "The management plane cannot store: disk full. Hosts are judged by the heartbeats that arrive; "
        "changes are refused, and events wait in memory.",
        "hint": "Free space on the disk of the hub's data; the hub continues by itself.",
        "code": "StorageFull",
        "hostUids": [],
        "addresses": [],
        "since": ago(250),
        "last": ago(2),
        "count": 131,
        "owner": "operator",
    }


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("only", [False, True], ids=["beside-others", "alone"])
def test_p43_pulse_with_a_plane_that_cannot_store(snap_compare: Compare, size: tuple[int, int], only: bool) -> None:
    hosts = [host for host in fleet() if host["metadata"]["name"].startswith("kiel-")] if only else None
    app = app_of("pulse", hosts=hosts)
    store = app.session.store
    docs = [*([] if only else alerts()), plane_trouble()]
    store.emit("plane", ALERTS.seen, {"docs": docs, "complete": True}, NOW - 3)
    store.flush()
    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
def test_p43_hosts_of_a_plane_that_cannot_store(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = app_of("hosts")
    app.session.store.emit("plane", ALERTS.seen, {"docs": [plane_trouble()], "complete": True}, NOW - 3)
    app.session.store.flush()
    assert snap_compare(app, terminal_size=size, run_before=ready)
