"""The console over a plane that lives in a dict and has one cluster, whose API is a real one: `FOLDER [VIEW]`.

The plane is a stand-in: it gives the row of the cluster and its kubeconfig. The way to the API is the product's own
(direct, over a local port); `FOLDER/kubeconfig` and `FOLDER/address` are written by who started the API.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.clients.ports import CanCall, CanRelay
from edgewright.core import times
from edgewright.core.errors import Unreachable
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store
from edgewright.wire.protocol import clusters as wire
from tests.tui.plane import FakePlane, context_of
from tui.app import EdgewrightApp
from tui.session import Session, TerminalChoice

UID = "c-workloads"


class Reply(NamedTuple):
    data: Any


class StandInPlane(FakePlane):
    """A plane with one cluster."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.kubeconfig = (folder / "kubeconfig").read_text()
        self.document = cluster_document((folder / "address").read_text().strip())

    async def port(self, wanted: type) -> Any:
        return self if wanted in (CanCall, CanRelay) else await super().port(wanted)

    async def call(self, method: str, path: str, *_: Any, **__: Any) -> Reply:
        if path.endswith(wire.KUBECONFIG_CLIENT.rpartition("/")[2]):
            return Reply(self.kubeconfig)
        items = [self.document] if path == wire.SEARCH else []
        return Reply({"items": items, "listmeta": {"count": len(items)}})

    async def open_stream(self, *_: Any, **__: Any) -> Any:
        raise Unreachable("There is no relay here.")


def cluster_document(address: str) -> dict[str, Any]:
    """Return the cluster as a plane has it."""
    ours = {
        "healthState": "Healthy", "nodes": {"ready": 3, "total": 3}, "members": [], "endpoint": address,
        "reportedAt": times.rfc3339(times.now()), "vip": {"state": "one", "hosts": []}, "checklist": [],
    }  # fmt: skip
    return {
        "metadata": {"uid": UID, "name": "workloads", "creationTimestamp": times.rfc3339(times.now())},
        "specSummary": {},
        "status": {"state": "Running", "edgewright": ours},
    }


def make(folder: Path, view: str, target: str = UID) -> EdgewrightApp:
    """Return the console, at a view of the cluster."""
    store, plane = Store(), StandInPlane(folder)
    store.emit("plane", kinds.SOURCE_STATE, {"state": "live", "role": "admin", "caller": "API key test"})
    store.emit("plane", CLUSTERS.seen, {"docs": [plane.document], "complete": True})
    store.flush()
    terminal = TerminalChoice(theme="dark")
    made = Session(
        store=store,
        context_name="bench",
        plane="hub 127.0.0.1",
        start_view=view,
        start_target=target,
        terminal=terminal,
    )
    made.make_context = lambda: context_of(plane, store)
    return EdgewrightApp(made)


def main() -> None:
    """Run it."""
    folder, view = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "pods"
    make(folder, view).run(mouse=False)


if __name__ == "__main__":
    main()
