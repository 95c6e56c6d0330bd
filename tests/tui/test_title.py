"""The title line counts in words that agree."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgewright.store import events as kinds
from edgewright.store.store import Store
from tests.tui.samples import NOW, ago, fill, session
from tui.title import title_line
from tui.widgets.lines import text_of


@pytest.mark.parametrize(("total", "told"), [(1, "1 host"), (2, "2 hosts"), (3000, "3,000 hosts")])
def test_one_host_is_no_plural(total: int, told: str) -> None:
    tally = SimpleNamespace(total=total, unhealthy=0, unknown=0, simulated=0)
    source = SimpleNamespace(state="live", since=None)
    store = SimpleNamespace(model=SimpleNamespace(tally=tally, source=source, alerts={}))
    session = SimpleNamespace(
        read_only=False,
        viewer=False,
        simulated=False,
        store=store,
        context_name="lab",
        plane="127.0.0.1:8443",
        project="",
    )
    assert text_of([title_line(cast(Any, session), NOW, 100)]).rstrip().endswith(f" {told}")


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize(("state", "told"), [("live", "‼ plane cannot store 4m"), ("lost", "plane away")])
def test_p43_a_plane_that_cannot_store_is_named_in_the_title(state: str, told: str, width: int) -> None:
    made = session(fill(Store(clock=lambda: NOW), state=state))
    trouble = {
        "uid": "plane/storage",
        "kind": "plane",
        "subject": "management plane",
        "text": "cannot store: disk full",
        "since": ago(240),
    }
    made.store.emit("plane", kinds.ALERTS_SEEN, {"docs": [trouble], "complete": True}, NOW - 3)
    made.store.flush()
    assert told in text_of([title_line(made, NOW, width)])
