"""The list and the detail of cluster profiles, from their table, and their pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from edgewright.store.engine.store import Store
from edgewright.wire import protocol
from tests.tui.driving import Driven, settle
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp

STACK = (
    ("os", "edge-native-byoi", "1.0.0"),
    ("k8s", "edge-k8s", "1.36.3"),
    ("cni", "cni-flannel", "0.28.9"),
    ("csi", "csi-local-path", "0.0.36"),
    ("addon", "metrics-server", "3.13.0"),
)


def document(uid: str, name: str, version: str, state: str, **ours: Any) -> dict[str, Any]:
    """Return a profile as the plane's search has it."""
    packs = [{"layer": layer, "name": pack, "tag": tag, "type": "spectro"} for layer, pack, tag in STACK]
    template = {"type": "cluster", "cloudType": "edge-native", "packs": packs}
    parts = {"draft": ("draft",), "published": ("published",), "changed": ("draft", "published")}[state]
    return {
        "metadata": {
            "uid": uid,
            "name": name,
            "annotations": {"scope": "tenant", "description": "Tills and cameras of a shop"},
            "lastModifiedTimestamp": "2026-11-22T08:00:00.000Z",
        },
        "specSummary": {
            "version": version,
            "versions": [{"uid": "p-1", "version": "1.0.0"}, {"uid": "p-2", "version": "1.1.0"}],
            **dict.fromkeys(parts, template),
            "edgewright": {"variables": ["replicas", "ntp"], "macros": ["site_code"], **ours},
        },
        "status": {"isPublished": state != "draft", "inUseClusters": [{"uid": "c-1", "name": "harbour"}]},
    }


PROFILES = [
    document("p-1", "shop-small", "1.0.0", "published"),
    document("p-2", "shop-small", "1.1.0", "changed"),
    document("p-3", "clinic-three-control-planes", "0.9.0", "draft"),
]


class Reply(NamedTuple):
    data: Any


class Plane(FakePlane):
    async def port(self, wanted: type) -> Any:
        return self

    async def call(self, method: str, path: str, *_: Any, **__: Any) -> Reply:
        items = PROFILES if path == protocol.PROFILES_SEARCH else []
        return Reply({"items": items, "listmeta": {"count": len(items)}})


async def ready(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("view", ["profiles", "profile"])
def test_sizes(
    snap_compare: Callable[..., bool], view: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    store = Store(clock=lambda: NOW)
    opened = session(fill(store, None, "live"), start_view=view, start_target="p-2" if view == "profile" else "")
    opened.make_context = lambda: context_of(Plane(), store)
    assert snap_compare(EdgewrightApp(opened), terminal_size=size, run_before=ready)
