"""What is wrong with a cluster: by evidence, worst first, at most one of a kind."""

from __future__ import annotations

from edgewright.core import times
from edgewright.core.clusters.troubles import KINDS, MILD, Control, Facts, troubles
from edgewright.core.problems import ClusterState, cluster_problem, ranked
from edgewright.store.collections.catalogue.clusters import TABLE

NOW = 1_800_000_000.0
UP, DOWN, SILENT = Control("a", False, True), Control("b", False, False), Control("c", True, True)


def kinds(facts: Facts) -> list[str]:
    return [row.kind for row in troubles(facts, NOW)]


def texts(facts: Facts) -> list[str]:
    return [row.text for row in troubles(facts, NOW)]


def test_no_quorum_needs_a_control_plane_that_reports_that_its_api_is_not_ready() -> None:
    gone = [Control("c", True, True), Control("d", True, True)]
    assert texts(Facts(True, [DOWN, *gone])) == ["no quorum: 2 of 3 control planes silent: c, d"]
    assert kinds(Facts(True, [UP, *gone])) == [], "it serves: the link of the others is down"
    assert kinds(Facts(True, [Control("b", False), *gone])) == [], "it has not reported: nothing is known"
    assert kinds(Facts(True, [SILENT, *gone])) == [], "all are silent: the link of the site may be down"
    assert kinds(Facts(False, [DOWN, *gone])) == [], "a cluster that forms has no API yet"


def test_an_api_that_answers_nowhere() -> None:
    assert texts(Facts(True, [DOWN])) == ["the API does not answer on b"]
    three = [Control(name, False, False) for name in "xyz"]
    assert texts(Facts(True, three)) == ["the API does not answer on any control plane"]
    assert texts(Facts(True, [*three[:2], SILENT])) == ["the API does not answer on any control plane"]
    assert kinds(Facts(True, [*three[:2], UP])) == []


def test_everything_else_in_its_order() -> None:
    failed = [("Preload images failed on a: no space", ("a",))] * 2
    certificates = [("ca", "n1", NOW + 900 * times.DAY), ("apiserver", "n1", NOW + 12 * times.DAY)]
    facts = Facts(
        True, [UP], ["n1", "n2"], ["a", "b"], ["n1"], ["web"], [("n2", 300.0)], failed, certificates, True
    )  # fmt: skip
    assert kinds(facts) == [kind for kind in KINDS if kind not in ("quorum", "api")]
    assert texts(facts) == [
        "2 hosts have the VIP: a, b",
        "Preload images failed on a: no space; 1 more",
        "2 nodes not ready: n1, n2",
        "1 etcd member unhealthy: n1",
        "1 layer failed: web",
        "1 host silent: n2",
        "certificate ends in 12 days: apiserver of n1",
        "the deletion lasts longer than 15 minutes",
    ]
    silent = next(row for row in troubles(facts, NOW) if row.kind == "silent")
    assert silent.since == NOW - 300, "no sentence has an age, which would be old where it is shown"
    assert kinds(Facts(True, [UP], certificates=[("ca", "n1", NOW + 31 * times.DAY)])) == []
    absent = Facts(True, [UP], ["n1"], not_joined=["n3"], no_node=["n4", "n5"])
    assert texts(absent) == ["1 node not ready: n1; 2 hosts have no node any more: n4, n5; 1 host has not joined: n3"]
    assert troubles(absent, NOW)[0].hosts == ("n1", "n4", "n5", "n3")
    assert "ended 2 days ago" in texts(Facts(True, certificates=[("ca", "n1", NOW - 2 * times.DAY)]))[0]
    assert {row.kind for row in troubles(facts, NOW) if row.kind in MILD} == {"certificate", "deletion"}


def test_problems_of_clusters_are_ranked_by_harm_and_before_those_of_hosts() -> None:
    rows = [cluster_problem(ClusterState("c1", "store", kind, kind)) for kind in reversed(KINDS)]
    order = [problem.kind for problem in ranked(rows)]
    assert order[:3] == ["api", "quorum", "vip"] and order[3:6] == ["etcd", "node", "silent"]
    assert set(order[6:8]) == {"layer", "step"} and order[8:] == ["certificate", "deletion"]
    assert all(problem.key == f"cluster/c1/{problem.kind}" and problem.next_step for problem in rows)
    silent = rows[0]._replace(key="host/h1/silent", kind="silent", harm=1, uids=("h1", "h2", "h3"))
    node = next(row for row in rows if row.kind == "node")
    assert [problem.kind for problem in ranked([silent, node])] == ["node", "silent"]


def test_the_filter_names_every_kind() -> None:
    field = next(field for field in TABLE.fields if field.name == "problem")
    assert all(kind in field.help for kind in KINDS)
