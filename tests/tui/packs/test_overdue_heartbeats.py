"""A cluster whose hosts are overdue, long before they count as unhealthy: what it reported is not called present."""

from __future__ import annotations

import pytest

from edgewright.store.collections.catalogue.cluster_rows import cluster_row
from edgewright.store.collections.hosts import HostRow, host_row
from tests.tui.clusters import MEMBERS, cluster
from tests.tui.samples import NOW, host
from tui.screens.cluster.content import Shown, headline, node_lines, vip_lines
from tui.widgets.lines import Line


def row_of(name: str, seen: float) -> HostRow:
    row = host_row(host(name, "berlin", seen=seen), NOW)
    assert row is not None
    return row


def shown(lost: bool = False, **seen: float) -> Shown:
    """Return a healthy cluster whose hosts sent their last heartbeat some seconds ago; edge-11d0 is the leader.

    The console knows other hosts of the fleet too, which are overdue.
    """
    document = cluster("healthy")
    row = cluster_row(document, NOW)
    assert row is not None
    hosts = {each["uid"]: row_of(each["name"], seen.get(each["name"].replace("-", "_"), 20)) for each in MEMBERS}
    return Shown(
        row, document, NOW, hosts | {each: row_of(each, 400) for each in ("other-1", "uid-other-2")}, lost=lost
    )


def text_of(lines: list[Line]) -> str:
    return "\n".join(each.plain for each in lines)


def test_with_all_heartbeats_in_time_nothing_is_wrong() -> None:
    head = text_of(headline(shown(), 80))
    assert "Nothing is wrong with this cluster." in head and "silent" not in head


@pytest.mark.parametrize(("seen", "late"), [(119, False), (121, True)])
def test_who_reported_it_is_overdue(seen: float, late: bool) -> None:
    view = shown(edge_11d0=seen)
    head, nodes = text_of(headline(view, 80)), text_of(node_lines(view, 80))
    assert ("No fault is known; heartbeat overdue: edge-11d0." in head) is late
    assert ("Nothing is wrong with this cluster." in head) is not late
    assert ("by edge-11d0, which is silent now." in head) is late
    assert ("ready, no heartbeat 2m" in nodes) is late and view.stale is late


def test_another_host_is_overdue() -> None:
    view = shown(edge_11d1=300, edge_7f3a=200)
    head = text_of(headline(view, 80))
    assert "No fault is known; heartbeat overdue: edge-11d1, edge-7f3a." in head
    assert "silent" not in head and not view.stale, "the report is of a host that is heard"
    assert "VIP on edge-7f3a" in text_of(vip_lines(view, 80))


def test_a_plane_that_is_away_says_nothing_about_heartbeats() -> None:
    view = shown(lost=True, edge_11d0=900)
    assert view.late == frozenset() and "no heartbeat" not in text_of(node_lines(view, 80))
