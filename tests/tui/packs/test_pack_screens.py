"""The lists and the details of registries and packs, from their tables, and their pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from edgewright.hub.packs import pack_documents, registry_documents
from edgewright.hub.packs.index import BUILTIN, OWN, PackIndex
from edgewright.packs import catalogue
from edgewright.store.engine.store import Store
from edgewright.wire import protocol
from tests.tui.driving import Driven, console, press, settle, until, view
from tests.tui.plane import FakePlane, context_of
from tests.tui.samples import NOW, fill, session
from tui.app import EdgewrightApp

WHEN = "2026-11-23T08:00:00.000Z"
HELM = {
    "metadata": {"uid": "r-1", "name": "charts", "creationTimestamp": "2026-11-01T08:00:00.000Z"},
    "spec": {"kind": "helm", "endpoint": "https://charts.example/stable", "authType": "basic", "username": "ana"},
    "status": {
        "packs": 42,
        "sync": {
            "status": "Success",
            "message": "42 packs in 310 versions.",
            "lastSyncedTime": "2026-11-23T08:00:00.000Z",
        },
    },
}
OCI = {
    "metadata": {"uid": "r-2", "name": "site-registry", "creationTimestamp": "2026-11-02T08:00:00.000Z"},
    "spec": {"kind": "oci", "endpoint": "registry.example:5000/packs", "authType": "noAuth", "allowPrivate": True},
    "status": {
        "packs": 0,
        "sync": {"status": "Failed", "message": "The registry registry.example:5000 cannot be reached: timed out."},
    },
}
INDEX = PackIndex([], [])
REGISTRIES = [*(registry_documents.own_row(uid, INDEX) for uid in OWN), HELM, OCI]
PACKS = [pack_documents.summary(view, "", catalogue.NAME) for view in INDEX.views.values()]


class Reply(NamedTuple):
    data: Any


class Plane(FakePlane):
    async def port(self, wanted: type) -> Any:
        return self

    async def call(self, method: str, path: str, *_: Any, **__: Any) -> Reply:
        return Reply({"items": {protocol.REGISTRIES: REGISTRIES, protocol.OWN_PACKS: PACKS}.get(path, [])})


async def ready(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.mark.parametrize(("name", "noun"), [("registries", "registry"), ("packs", "pack")])
async def test_enter_opens_the_row_under_the_cursor(name: str, noun: str) -> None:
    async with console(name, plane=Plane()) as (pilot, _, _made):
        await ready(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: view(pilot) == noun)
        await press(pilot, "escape")
        await until(pilot, lambda: view(pilot) == name)


TARGETS = {"registry": "r-2", "pack": catalogue.uid(BUILTIN, "kubevirt", "1.9.0")}


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("view", ["registries", "registry", "packs", "pack"])
def test_sizes(
    snap_compare: Callable[..., bool], view: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    store = Store(clock=lambda: NOW)
    opened = session(fill(store, None, "live"), start_view=view, start_target=TARGETS.get(view, ""))
    opened.make_context = lambda: context_of(Plane(), store)
    assert snap_compare(EdgewrightApp(opened), terminal_size=size, run_before=ready)
