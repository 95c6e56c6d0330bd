"""The title line counts in words that agree."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgewright.clients.http.credential import Credential
from edgewright.clients.palette.client import PlaneClient
from edgewright.commands.kernel.live import LiveFeed
from edgewright.config.settings import Settings
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.engine.store import Store
from tests.tui.samples import NOW, ago, fill, session
from tui.frame.title import title_line
from tui.widgets.lines import text_of


@pytest.mark.parametrize(("total", "count"), [(1, "1 host"), (2, "2 hosts"), (3000, "3,000 hosts")])
def test_one_host_is_no_plural(total: int, count: str) -> None:
    tally = SimpleNamespace(total=total, unhealthy=0, unknown=0, simulated=0)
    source = SimpleNamespace(state="live", since=None, contact=None)
    store = SimpleNamespace(model=SimpleNamespace(tally=tally, source=source, rows=lambda collection: {}))
    session = SimpleNamespace(
        read_only=False,
        viewer=False,
        simulated=False,
        store=store,
        context_name="lab",
        peer="127.0.0.1:8443",
        project="",
        link="",
        frozen_at=None,
        sites={},
        bundles={},
    )
    assert text_of([title_line(cast(Any, session), NOW, 100)]).rstrip().endswith(f" {count}")


def test_the_project_is_called_by_its_name() -> None:
    """`project use` stores the uid in the context."""
    made = session(fill(Store(clock=lambda: NOW)))
    made.project = "p-lab"
    assert " · lab" in text_of([title_line(made, NOW, 200)])
    made.project = "p-unknown"
    assert " · p-unknown" in text_of([title_line(made, NOW, 200)])


async def test_of_several_addresses_the_title_has_the_one_that_answers() -> None:
    feed = LiveFeed(Store(), Settings(), None, None)
    made = session(fill(Store(clock=lambda: NOW)))
    made.plane, made.peer_in_use = "one:8443", feed.peer
    assert " · one:8443 " in text_of([title_line(made, NOW, 200)]), "before there is a connection"
    feed._client = PlaneClient("https://one:8443,https://two:8443", Credential())
    try:
        feed._client.addresses.failed(feed._client.addresses.current)
        assert " · two:8443 " in text_of([title_line(made, NOW, 200)])
    finally:
        await feed._client.aclose()


def test_a_plane_that_is_silent_is_not_called_live() -> None:
    """A hub that hangs ends no connection; its stream is given up after 35 s, and until then values get older."""
    made = session(fill(Store(clock=lambda: NOW)))
    assert " • live " in text_of([title_line(made, NOW + 17, 80)])
    assert " ‼ no answer 27s " in text_of([title_line(made, NOW + 24, 80)])


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize(("state", "text"), [("live", "‼ plane cannot store 4m"), ("lost", "plane unreachable")])
def test_p43_a_plane_that_cannot_store_is_named_in_the_title(state: str, text: str, width: int) -> None:
    made = session(fill(Store(clock=lambda: NOW), state=state))
    trouble = {
        "uid": "plane/storage",
        "kind": "plane",
        "subject": "management plane",
        "text": "cannot store: disk full",
        "since": ago(240),
    }
    made.store.emit("plane", ALERTS.seen, {"docs": [trouble], "complete": True}, NOW - 3)
    made.store.flush()
    assert text in text_of([title_line(made, NOW, width)])


@pytest.mark.parametrize("width", range(40, 130))
@pytest.mark.parametrize("state", ["live", "lost", "refused"])
def test_context_and_state_are_there_from_40_columns_on(width: int, state: str) -> None:
    made = session(fill(Store(clock=lambda: NOW), state=state), read_only=True, project="shops")
    line = title_line(made, NOW, width)
    text = text_of([line])
    assert line.width <= width
    assert made.context_name in text
    assert {"live": "• live", "lost": "plane unreachable", "refused": "plane refuses us"}[state] in text
    assert "read-only" in text
    if "edgewright" in text:
        assert made.plane in text and "hosts" in text, "the name of the program leaves first"


def test_the_title_leaves_out_what_matters_least_first() -> None:
    made = session(fill(Store(clock=lambda: NOW)), project="shops")
    shown = {width: text_of([title_line(made, NOW, width)]) for width in (80, 60, 48, 40, 30)}
    assert shown[80].startswith(f"edgewright  {made.context_name} · {made.plane}")
    assert shown[60].startswith(f"{made.context_name} · {made.plane}") and "hosts" in shown[60]
    assert made.plane in shown[48] and made.plane in shown[40]
    assert made.context_name in shown[30] and "live" in shown[30]


def test_a_long_context_is_cut_before_the_state() -> None:
    made = session(fill(Store(clock=lambda: NOW)))
    made.context_name = "a-very-long-name-of-a-context-of-a-customer"
    text = text_of([title_line(made, NOW, 40)])
    assert text.startswith("a-very-long-name") and "…" in text and text.rstrip().endswith("• live")


def test_red_counts_stay_where_the_address_does_not_fit() -> None:
    made = session(fill(Store(clock=lambda: NOW)), simulated=True)
    made.plane = "127.0.0.1:46343"
    text = text_of([title_line(made, NOW, 40)])
    assert text.startswith(f"{made.context_name}  simulated  • live") and "4 ▲" in text


def test_without_a_plane_the_program_is_named() -> None:
    made = session(Store(clock=lambda: NOW))
    made.context_name = made.plane = ""
    assert text_of([title_line(made, NOW, 40)]).startswith("edgewright  ")
