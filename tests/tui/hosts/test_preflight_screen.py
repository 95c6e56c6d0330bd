"""The preflight of a host, and a host whose work is under way: pictures, and what a failed request shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edgewright.core import times
from edgewright.core.errors import TimedOut
from edgewright.store.engine.store import Store
from tests.tui.driving import Driven, settle
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, fleet, session
from tui.app import EdgewrightApp

Compare = Callable[..., bool]
CHECKS = [
    {
        "id": "disk",
        "state": "warning",
        "text": "12.0 GB free on /var/lib, 20 GB are recommended",
        "next": "Add a disk.",
    },
    {"id": "memory", "state": "ok", "text": "8000 MB"},
    {
        "id": "swap",
        "state": "failed",
        "text": "on: /dev/sda2",
        "next": "Switch it off: swapoff -a, and remove it from /etc/fstab.",
    },
    {"id": "modules", "state": "unknown", "text": "br_netfilter not loaded", "next": "Try: modprobe -a br_netfilter"},
    {"id": "plane", "state": "ok", "text": "plane.example:8443 answers"},
]
RESULT = {"message": "5 checks: 2 ok, 1 warning, 1 failed, 1 unknown. Failed: swap.", "checks": CHECKS}


def app_of(view: str, target: str, hosts: list[dict[str, Any]] | None = None) -> EdgewrightApp:
    store = Store(clock=lambda: NOW)
    made = session(fill(store, hosts, "live"), start_view=view, start_target=target)
    plane = FakePlane()
    made.make_context = lambda: context_of(plane, store, made.read_only)
    return EdgewrightApp(made)


async def ready(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.fixture(autouse=True)
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)


@pytest.mark.parametrize("answer", ["checks", "error"])
@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
def test_preflight(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, answer: str, size: tuple[int, int]) -> None:
    async def run(*args: object) -> dict[str, Any]:
        if answer == "error":
            raise TimedOut(
                "The host edge-7f3a did not answer the preflight within 150 s.", "Look at its last heartbeat."
            )
        return RESULT

    monkeypatch.setattr("tui.screens.host.preflight.run_operation", run)
    assert snap_compare(app_of("preflight", "uid-edge-7f3a"), terminal_size=size, run_before=ready)


@pytest.mark.parametrize("waits", ["", "operator"])
def test_work_of_a_host(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, waits: str) -> None:
    host = next(doc for doc in fleet() if doc["metadata"]["uid"] == "uid-kiel-03")
    progress: dict[str, Any] = {"step": "trial-0f3a-2", "n": 2, "of": 3, "percent": 40, "attempt": 1}
    progress["since"] = times.rfc3339(NOW - 72)
    if waits:
        progress.update(waitingFor=waits, errorClass="exit-3", attempt=3)
    place = {"lineage": "a" * 16, "generation": 2}
    item = {"uid": "trial", "kind": "trial", "wanted": place, "applied": {**place, "generation": 1}}
    status = {**host["status"], "edgewright": {**host["status"].get("edgewright", {}), "progress": progress}}
    status["edgewright"]["documents"] = [item]
    shown = [{**doc, "status": status} if doc["metadata"]["uid"] == host["metadata"]["uid"] else doc for doc in fleet()]
    monkeypatch.setattr("tui.screens.host.screen.fetch_document", _never)
    app = app_of("host", "uid-kiel-03", shown)
    assert snap_compare(app, terminal_size=(80, 24), run_before=ready)


async def _never(*args: object, **more: object) -> dict[str, Any]:
    raise TimedOut("not asked in this picture")
