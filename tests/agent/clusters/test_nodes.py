"""Labels, annotations, taints and cordon of Nodes follow the document; what others set stays."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import outside, paths, tend
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.kube import nodes
from edgewright.agent.clusters.kube.api import Api
from edgewright.agent.clusters.kube.nodes import SET, WORKER_LABEL, difference
from edgewright.core.clusters import actions, model, observed, quorum
from edgewright.core.clusters.model import WORKER, Member, Taint
from edgewright.core.errors import EdgewrightError, Failed, Unreachable
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


def test_a_control_plane_that_was_removed_is_no_node_when_its_disk_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = FakeHost(tmp_path / "host")
    deleted: list[str] = []

    class Fake:
        def delete(self, path: str) -> bool:
            deleted.append(path)
            return True

    monkeypatch.setattr(outside, "connect", lambda work: Fake())
    work = context(host, cluster(3), "host-3")
    listed = [quorum.EtcdMember(str(n), f"n{n}", True, True, n == 1, f"10.0.0.1{n}") for n in (1, 2, 3)]
    mine = {"n3": observed.Node("uid", True, host_uid="host-3")}

    def seen(etcd: list[quorum.EtcdMember], nodes: dict[str, observed.Node]) -> observed.Observed:
        return observed.Observed("host-3", observed.Local(etcd_epoch=1), observed.Api(etcd=tuple(etcd), nodes=nodes))

    for stays in (seen(listed, mine), seen([listed[0]._replace(healthy=False), listed[1]], mine)):
        assert not outside.step_out(work, stays, work.me), "a member, and without quorum nobody knows"
    assert deleted == [] and not host.ran("systemctl", "stop")
    assert outside.step_out(work, seen(listed[:2], mine), work.me)
    assert deleted == ["/api/v1/nodes/n3"] and host.ran("systemctl", "stop", paths.KUBELET_UNIT)
    other = {"n3": observed.Node("uid", True, host_uid="host-9")}
    outside.step_out(work, seen(listed[:2], other), work.me)
    assert len(deleted) == 1, "the Node of another host with this name stays"


def test_a_node_whose_change_is_refused_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    document = cluster(3)
    listed = [{"metadata": {"name": member.node_name}, "spec": {}} for member in document.members]
    names = [member.node_name for member in document.members]
    asked: list[str] = []

    class Site(Api):
        error: EdgewrightError = Failed("The API refused the change: a webhook of the site denies it.")

        def __init__(self) -> None:
            """Connect to nothing."""

        def items(self, path: str, **query: str) -> list[dict[str, Any]]:
            return listed

        def merge(self, path: str, body: Any) -> dict[str, Any]:
            asked.append(path.rpartition("/")[2])
            if asked[-1] == names[0]:
                raise self.error
            return {}

    changed = [dataclasses.replace(member, labels={"zone": "north"}) for member in document.members]
    document, api = dataclasses.replace(document, members=tuple(changed)), Site()
    with pytest.raises(Failed, match="webhook"):
        nodes.settle(api, document)
    assert asked == names, "one Node that cannot be changed is reported, and the others follow the document"
    asked.clear()
    api.error = Unreachable("The API does not answer.")
    with pytest.raises(Unreachable):
        nodes.settle(api, document)
    assert asked == names[:1], "without an API no other Node is tried"
    asked.clear()
    api.error = Failed("refused late")
    monkeypatch.setattr(nodes, "PATIENCE", -1.0)
    with pytest.raises(Failed):
        nodes.settle(api, document)
    assert asked == names[:1], "a webhook that takes long does not take the time of the Lease"


def test_a_leader_that_leaves_gives_its_lease_up_unless_the_cluster_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = FakeHost(tmp_path)
    stored: dict[str, Any] = {
        "metadata": {"annotations": {"edgewright.io/grant": "{}"}}, "spec": {"holderIdentity": "host-1"}
    }  # fmt: skip

    class Fake:
        def get(self, path: str) -> dict[str, Any]:
            return stored

        def put(self, path: str, body: dict[str, Any]) -> None:
            stored.update(body)

    monkeypatch.setattr(tend, "connect", lambda work: Fake())
    document = cluster(2)
    leaving = [dataclasses.replace(member, state=model.ABSENT, release_id="r1") for member in document.members]
    other = quorum.EtcdMember("2", "n2", True, True, False, "10.0.0.12")
    api = observed.Api(lease=observed.Lease("host-1", 3.0), lease_readable=True, etcd=(other,))
    seen = observed.Observed("host-1", observed.Local(api_ready=True), api)
    deleted = dataclasses.replace(document, members=tuple(leaving))
    assert not tend.tend(context(host, deleted), seen), "the leader of a deleted cluster goes last"
    one = dataclasses.replace(document, members=(leaving[0], document.members[1]))
    alone = dataclasses.replace(seen, api=dataclasses.replace(api, etcd=(other._replace(healthy=False),)))
    assert not tend.tend(context(host, one), alone) and stored["spec"]["holderIdentity"] == "host-1"
    begin = f"edgewright-step-cluster-{actions.short(document.uid, 8)}"
    running = [f"{begin}-layer-dns-1.service loaded active running"]
    host.answers.append(lambda words: Ended(0, running[0] if f"{begin}-layer-*.service" in words else ""))
    assert not tend.tend(context(host, one), seen) and stored["spec"]["holderIdentity"] == "host-1", "helm runs here"
    running[0] = ""
    assert tend.tend(context(host, one), seen), "it looks again"
    assert stored["spec"]["holderIdentity"] == "" and "annotations" in stored["metadata"], "the grant stays"
    mine = dataclasses.replace(seen, api=dataclasses.replace(api, lease=observed.Lease("host-2", 3.0)))
    stored["spec"]["holderIdentity"] = "host-2"
    assert not tend.tend(context(host, one), mine) and stored["spec"]["holderIdentity"] == "host-2"
    stored["spec"]["holderIdentity"] = "host-1"
    host.write(paths.OWNER, b"{}")
    assert not tend.tend(context(host, document), seen) and stored["spec"]["holderIdentity"] == "host-1", "it stays"
    dead = dataclasses.replace(seen, local=observed.Local(api_ready=False))
    assert tend.tend(context(host, document), dead), "its API server is dead: another one leads"
    assert stored["spec"]["holderIdentity"] == ""
