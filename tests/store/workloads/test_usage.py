"""CPU and memory in use: what metrics-server answers, in columns and details, and how they sort."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from edgewright.core.errors import Failed
from edgewright.store.table import Look
from edgewright.store.workloads.kinds import NODES, PODS, Kind
from edgewright.store.workloads.usage import Usage, Used, usage_of
from tests.tui import workloads

NODE = {"metadata": {"name": "edge-1"}, "usage": {"cpu": "412345678n", "memory": "8388608Ki"}}
CONTAINERS = [{"usage": {"cpu": "3m", "memory": "20Mi"}}, {"usage": {"cpu": "1500u", "memory": "4096Ki"}}]
POD = {"metadata": {"name": "web-1", "namespace": "shop"}, "containers": CONTAINERS}


def usage(*items: dict[str, Any]) -> Usage:
    return Usage(usage_of(msgspec.json.encode({"kind": "List", "items": items})))


def shown(kind: Kind, document: dict[str, Any], look: Look) -> dict[str, Any]:
    row = kind.row_of(msgspec.Raw(msgspec.json.encode(document)))[1]
    return {each.id: each.of(row, look) for each in kind.table.columns if each.id.startswith("used_")}


def test_the_containers_of_a_pod_add_up_and_a_node_is_in_percent_of_what_pods_may_use() -> None:
    known = usage(NODE, POD)
    used = known.rows["shop/web-1"]
    assert used.cpu == pytest.approx(0.0045) and used.memory == 24 * 2**20
    assert (known.cpu("edge-1"), known.memory("edge-1")) == (413, 8192)
    pods = shown(PODS, workloads.pod("web-1"), Look(0.0, usage=known))
    assert pods == {"used_cpu": 5, "used_memory": 24}
    nodes = shown(NODES, workloads.node("edge-1"), Look(0.0, usage=known))
    assert nodes == {"used_cpu": 5, "used_memory": 25}, "8 cores and 32 GiB"


def test_what_is_not_measured_is_not_zero() -> None:
    for look in (Look(0.0), Look(0.0, usage=Usage({}, "this cluster has no metrics API"))):
        assert set(shown(PODS, workloads.pod("web-1"), look).values()) == {None}
        assert set(shown(NODES, workloads.node("edge-1"), look).values()) == {None}
    row = PODS.row_of(msgspec.Raw(msgspec.json.encode(workloads.pod("web-1"))))[1]
    for known, text in (
        (Usage({}, "this cluster has no metrics API"), "- (this cluster has no metrics API)"),
        (Usage(), "- (not measured yet)"),
        (usage(POD), "5 m CPU, 24 MiB"),
    ):
        facts = dict(PODS.table.facts(row, Look(0.0, usage=known))[0][1])
        assert facts["in use"] == text
    assert "in use" not in dict(PODS.table.facts(row, Look(0.0))[0][1])


def test_the_largest_is_the_first_and_unknown_ones_the_last() -> None:
    column = PODS.table.column("used_cpu")
    assert column is not None
    names = ["a", "b", "c"]
    known = Look(0.0, usage=Usage({"shop/a": Used(0.1, 0), "shop/b": Used(2.0, 0)}))
    rows = [PODS.row_of(msgspec.Raw(msgspec.json.encode(workloads.pod(name))))[1] for name in names]
    assert [column.sorted_by(row, known) for row in rows] == [-100, -2000, None]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"items": 1}', b"\xff", b'{"items":[{"metadata":[]}]}'])
def test_what_is_no_list_of_metrics_is_refused(data: bytes) -> None:
    with pytest.raises(Failed, match="not a list of metrics"):
        usage_of(data)


def test_odd_names_and_numbers_are_left_out() -> None:
    odd = {"metadata": {"name": "../x"}, "usage": {"cpu": "1"}}
    assert usage(odd, {"metadata": {"name": "n"}, "usage": {"cpu": "1e999", "memory": "x"}}).rows == {"n": Used(0, 0)}
    assert usage_of(b"{}") == {}
