"""The list and the detail of clusters, from their table, and their pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from edgewright.store.engine.store import Store
from edgewright.wire.protocol import clusters as wire
from tests.tui.driving import Driven, settle
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp


def member(number: int, role: str, **state: Any) -> dict[str, Any]:
    """Return a host of a cluster."""
    names = {"uid": f"h-{number}", "name": f"berlin-0{number}", "node": f"berlin-0{number}"}
    return {**names, "role": role, "address": f"10.0.0.{number}", "state": "present", **state}


def document(uid: str, name: str, state: str, health: str, **ours: Any) -> dict[str, Any]:
    """Return a cluster as the plane's search has it."""
    return {
        "metadata": {
            "uid": uid,
            "name": name,
            "labels": {"site": "berlin"},
            "creationTimestamp": "2026-11-21T08:00:00.000Z",
            "lastModifiedTimestamp": "2026-11-22T08:00:00.000Z",
        },
        "specSummary": {},
        "status": {
            "state": state,
            "edgewright": {
                "healthState": health,
                "distribution": "kubeadm",
                "version": "v1.36.3",
                "endpoint": "10.0.0.100",
                "hosts": 3,
                "applied": 2,
                "profiles": ["store 1.0.0"],
                "vip": {"state": "one"},
                **ours,
            },
        },
    }


FORMING = [
    member(1, "control-plane", ready=True),
    member(2, "control-plane", progress={"step": "join-control-plane", "n": 6, "of": 8}),
    member(3, "worker"),
]
CONDITIONS = [{"type": "Bootstrapped", "message": "The cluster is formed."}]
CLUSTERS = [
    document("c-1", "store-7", "Running", "UnHealthy", reason="1 node not ready: berlin-02.", members=FORMING,
             conditions=CONDITIONS, reportedAt="2026-11-22T08:00:00.000Z"),
    document("c-2", "depot", "Provisioning", "Unknown", reason="No control plane has reported yet."),
    document("c-3", "demo", "Deleted", "Unknown", simulated=True, hosts=0),
]  # fmt: skip


class Reply(NamedTuple):
    data: Any


class Plane(FakePlane):
    async def port(self, wanted: type) -> Any:
        return self

    async def call(self, method: str, path: str, *_: Any, **__: Any) -> Reply:
        items = CLUSTERS if path == wire.SEARCH else []
        return Reply({"items": items, "listmeta": {"count": len(items)}})


async def ready(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("view", ["clusters", "cluster"])
def test_sizes(
    snap_compare: Callable[..., bool], view: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    store = Store(clock=lambda: NOW)
    opened = session(fill(store, None, "live"), start_view=view, start_target="c-1" if view == "cluster" else "")
    opened.make_context = lambda: context_of(Plane(), store)
    assert snap_compare(EdgewrightApp(opened), terminal_size=size, run_before=ready)
