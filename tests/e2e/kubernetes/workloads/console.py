"""The console over a plane that lives in a dict and has one cluster, whose API is a real one: `FOLDER [VIEW]`.

The plane is a stand-in: it gives the row of the cluster and its kubeconfig. The way to the API is the product's own
(direct, over a local port); `FOLDER/kubeconfig` and `FOLDER/address` are written by who started the API.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

from edgewright.commands.kernel.context import CommandContext
from edgewright.config.settings import Settings
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.engine import events as kinds
from edgewright.store.engine.store import Store
from tests.e2e.kubernetes.workloads.stand_in_plane import UID, StandInPlane
from tui.app import EdgewrightApp
from tui.session import Session, TerminalChoice


def context_of(plane: StandInPlane, store: Store) -> CommandContext:
    """Return what verbs work with."""
    return CommandContext(Settings(), store=store, client=cast("Any", plane), actor="test")


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
