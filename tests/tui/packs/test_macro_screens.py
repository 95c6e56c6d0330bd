"""The list and the detail of macros, from their table, and their pictures."""

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


def document(uid: str, name: str, project: str = "", masked: bool = False) -> dict[str, Any]:
    """Return a macro as the plane lists it."""
    metadata = {"uid": uid, "name": name, "lastModifiedTimestamp": "2026-11-22T08:00:00.000Z"}
    return {"metadata": metadata, "spec": {"projectUid": project, "masked": masked}}


MACROS = [
    document("m-1", "ntp_server"),
    document("m-2", "registry_password", masked=True),
    document("m-3", "site_code"),
]


class Reply(NamedTuple):
    data: Any


class Plane(FakePlane):
    async def port(self, wanted: type) -> Any:
        return self

    async def call(self, method: str, path: str, *_: Any, **__: Any) -> Reply:
        items = MACROS if path == protocol.OWN_MACROS else []
        return Reply({"items": items, "listmeta": {"count": len(items)}})


async def ready(pilot: Driven) -> None:
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("view", ["macros", "macro"])
def test_sizes(
    snap_compare: Callable[..., bool], view: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgewright.core.times.now", lambda: NOW)
    store = Store(clock=lambda: NOW)
    opened = session(fill(store, None, "live"), start_view=view, start_target="m-2" if view == "macro" else "")
    opened.make_context = lambda: context_of(Plane(), store)
    assert snap_compare(EdgewrightApp(opened), terminal_size=size, run_before=ready)
