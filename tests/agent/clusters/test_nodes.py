"""Labels, annotations, taints and cordon of Nodes follow the document; what others set stays."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import tend
from edgewright.agent.clusters.kube import nodes
from edgewright.agent.clusters.kube.nodes import SET, WORKER_LABEL, difference
from edgewright.core.clusters import model
from edgewright.core.clusters.model import WORKER, Member, Taint
from edgewright.core.errors import Failed
from tests.agent.clusters.support import FakeHost, cluster, context

MEMBER = Member("h1", "n1", WORKER, "w", "10.0.0.1")


def merged(node: dict[str, Any], body: dict[str, Any] | None) -> dict[str, Any]:
    """Return a Node after a merge patch, as the API makes it."""

    def merge(present: Any, change: Any) -> Any:
        if not isinstance(change, dict):
            return change
        result = dict(present) if isinstance(present, dict) else {}
        for key, value in change.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = merge(result.get(key), value)
        return result

    result: dict[str, Any] = merge(node, body or {})
    return result


def settled(node: dict[str, Any], member: Member) -> dict[str, Any]:
    result = merged(node, difference(node, member))
    assert difference(result, member) is None, "a second look changes nothing"
    return result


def test_what_the_document_drops_is_removed_and_what_others_set_stays() -> None:
    theirs = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule", "timeAdded": "2026-11-29T00:00:00Z"}
    start = {
        "metadata": {"name": "n1", "resourceVersion": "7", "labels": {"a": "0", "b": "1"}},
        "spec": {"taints": [theirs]},
    }
    wanted = dataclasses.replace(
        MEMBER,
        labels={"zone": "north", "a": "1"},
        annotations={"note": "x y"},
        taints=(Taint("gpu", "NoSchedule", "yes"),),
    )
    patch = difference(start, wanted)
    assert patch is not None and patch["metadata"]["resourceVersion"] == "7"
    node = settled(start, wanted)
    assert node["metadata"]["labels"] == {"a": "1", "b": "1", "zone": "north", WORKER_LABEL: ""}
    assert node["metadata"]["annotations"]["note"] == "x y"
    assert node["spec"]["taints"] == [theirs, {"key": "gpu", "effect": "NoSchedule", "value": "yes"}]
    node = settled(node, dataclasses.replace(wanted, taints=(Taint("gpu", "NoSchedule", "no"),)))
    assert node["spec"]["taints"][1]["value"] == "no"
    node = settled(node, MEMBER)
    assert node["metadata"]["labels"] == {"b": "1", WORKER_LABEL: ""}, "a label that the document never had stays"
    assert list(node["metadata"]["annotations"]) == [SET] and node["spec"]["taints"] == [theirs]


def test_a_cordon_of_somebody_else_stays() -> None:
    start: dict[str, Any] = {"metadata": {"name": "n1"}, "spec": {}}
    cordoned = dataclasses.replace(MEMBER, cordoned=True)
    node = settled(start, cordoned)
    assert node["spec"]["unschedulable"] is True
    assert "unschedulable" not in settled(node, MEMBER)["spec"]
    theirs = settled({"metadata": {"name": "n1"}, "spec": {"unschedulable": True}}, MEMBER)
    assert theirs["spec"]["unschedulable"] is True
    both = settled(theirs, cordoned)
    assert settled(both, MEMBER)["spec"]["unschedulable"] is True


def test_the_leader_looks_again_for_another_document_or_after_a_while_and_reports_a_refusal_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, looked = FakeHost(tmp_path), list[str]()
    problem: list[Failed] = []

    def settle(api: object, document: model.ClusterDocument) -> list[str]:
        looked.append(document.digest[0])
        if problem:
            raise problem[0]
        return ["n1"]

    monkeypatch.setattr(tend, "admin", lambda host: None)
    monkeypatch.setattr(nodes, "settle", settle)
    work = context(host, cluster(digest="a" * 64))
    tend._nodes(work)
    tend._nodes(work)
    tend._nodes(context(host, cluster(digest="b" * 64)))
    assert looked == ["a", "b"]
    problem.append(Failed("The API refused /api/v1/nodes/n1: invalid label."))
    host.logged.clear()
    for _ in range(3):
        host.time += 30
        tend._nodes(work)
    assert len(host.logged) == 1 and "invalid label" in host.logged[0]
