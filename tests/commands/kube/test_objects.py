"""Verbs on objects of a cluster over the fake API: what a plan names, what is sent, why a drain does not end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from edgewright.clients.kube.refusals import of_status
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube import draining, manifest, object_verbs
from edgewright.commands.kube.object_verbs import KubeNodeCordon, KubeNodeDrain, KubeNodeUncordon, KubeObjectDelete
from edgewright.config.settings import Settings
from edgewright.core.errors import Failed, NotFound, Refused, UsageError
from edgewright.store.workloads.kinds import BY_VIEW
from tests.tui import workloads
from tests.tui.fake_cluster_api import FakeClusterApi

UID = "c-1"
BUDGETS = "/apis/policy/v1/poddisruptionbudgets"


def context(read_only: bool = False) -> CommandContext:
    return CommandContext(Settings(), read_only=read_only)


def arguments(api: FakeClusterApi, view: str, documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    kind = BY_VIEW[view]
    rows = [kind.row_of(msgspec.Raw(msgspec.json.encode(each)))[1] for each in documents]
    return {"view": view, "objects": rows, "api": api, "cluster": UID, "name": "pos-kiel"}


async def test_a_deletion_names_what_comes_again_and_what_does_not() -> None:
    api = FakeClusterApi()
    owned = workloads.pod("web-1", metadata=workloads.owner("ReplicaSet", "web"))
    given = arguments(api, "pods", [owned, workloads.pod("debug")])
    plan = await registry.acting(KubeObjectDelete)().plan(context(), (UID,), given)
    assert plan.lines == (
        "shop/web-1: ends; ReplicaSet/web starts another one", "shop/debug: ends; no controller starts another one",
    )  # fmt: skip
    assert plan.cannot_undo == ("shop/debug does not come again by itself.",)
    assert plan.cli == "edgewright kube delete pos-kiel pod web-1 debug -- -n shop"
    spread = arguments(api, "pods", [owned, workloads.pod("till-1", namespace="kitchen"), workloads.pod("debug")])
    assert (await registry.acting(KubeObjectDelete)().plan(context(), (UID,), spread)).cli == (
        "edgewright kube delete pos-kiel pod web-1 debug -- -n shop"
        " && edgewright kube delete pos-kiel pod till-1 -- -n kitchen"
    ), "what is named as the same touches all of them"
    outcome = await registry.run(KubeObjectDelete, context(), (UID,), given, plan=plan)
    assert outcome.done == ("shop/web-1", "shop/debug") and [each[:2] for each in api.requests] == [
        ("DELETE", "/api/v1/namespaces/shop/pods/web-1"), ("DELETE", "/api/v1/namespaces/shop/pods/debug"),
    ]  # fmt: skip


async def test_the_failure_of_one_stops_no_other_and_read_only_refuses() -> None:
    api = FakeClusterApi()
    api.refuse["/web-1"] = of_status(403, 'pods "web-1" is forbidden', "Forbidden")
    given = arguments(api, "pods", [workloads.pod("web-1"), workloads.pod("web-2")])
    outcome = await registry.run(KubeObjectDelete, context(), (UID,), given)
    assert outcome.done == ("shop/web-2",) and outcome.failed[0][1].message == 'Pods "web-1" is forbidden.'
    with pytest.raises(Refused, match="read-only"):
        await registry.run(KubeObjectDelete, context(read_only=True), (UID,), given)
    with pytest.raises(UsageError, match="no object under the cursor"):
        await registry.run(KubeObjectDelete, context(), (UID,), arguments(api, "pods", []))


async def test_cordon_and_uncordon() -> None:
    api = FakeClusterApi()
    given = arguments(api, "nodes", [workloads.node("edge-1"), workloads.node("edge-2")])
    assert (await registry.run(KubeNodeCordon, context(), (UID,), given)).message == "edge-1 and edge-2 cordoned."
    await registry.run(KubeNodeUncordon, context(), (UID,), given)
    sent = [(path, body["spec"]["unschedulable"]) for _, path, body in api.requests]
    assert sent == [(f"/api/v1/nodes/edge-{at}", value) for value in (True, None) for at in (1, 2)]


def on_node(name: str, kind: str = "ReplicaSet", **more: Any) -> dict[str, Any]:
    document = workloads.pod(name, metadata=workloads.owner(kind, "web") if kind else {}, **more)
    return document


def budget(allowed: int) -> dict[str, Any]:
    status = {"disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 2}
    spec = {"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "till"]}]}}
    return {"metadata": workloads.meta("web-budget", "shop"), "spec": spec, "status": status}


class Draining(FakeClusterApi):
    """Evicted pods are removed; one with a budget is refused `refusals` times."""

    refusals = 0

    async def request(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        if path.endswith("/eviction"):
            name = path.split("/")[-2]
            if self.refusals and name == "web-1":
                self.refusals -= 1
                raise of_status(429, "Cannot evict pod as it would violate the pod's disruption budget.")
            pods = self.objects[workloads.PODS]
            self.objects[workloads.PODS] = [each for each in pods if each["metadata"]["name"] != name]
        return await super().request(method, path, body, kind)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "RETRY", 0.01)
    monkeypatch.setattr(draining, "LOOK", 0.01)


async def test_the_plan_of_a_drain_names_what_moves_waits_stays_blocks_and_is_lost() -> None:
    scratch = on_node("web-2")
    scratch["spec"]["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    scratch["metadata"]["labels"] = {"app": "other"}
    static = on_node("etcd-edge-1", "Node")
    static["metadata"]["annotations"] = {draining.MIRROR: "x"}
    pods = [on_node("web-1"), scratch, on_node("cni-x", "DaemonSet"), static, on_node("debug", "")]
    api = Draining({workloads.PODS: pods, BUDGETS: [budget(0)]})
    given = arguments(api, "nodes", [workloads.node("edge-1")])
    plan = await registry.acting(KubeNodeDrain)().plan(context(), (UID,), given)
    assert plan.lines == (
        "edge-1 is cordoned: no new pods start there", "2 pods evicted",
        "blocks: shop/debug: no controller starts it again elsewhere; delete it, or move it, first",
        "waits: shop/web-1: budget web-budget allows none now (2 healthy, 2 needed)",
        "moves: shop/web-2",
        "stays: shop/cni-x: DaemonSet web starts it there again",
        "stays: shop/etcd-edge-1: a static pod of the node",
    )  # fmt: skip
    assert plan.cannot_undo == ("shop/web-2 loses what is in its emptyDir volumes.",)
    assert plan.cli == "edgewright kube drain pos-kiel edge-1 -- --delete-emptydir-data"


async def test_a_drain_waits_for_a_budget_and_ends(quick: None) -> None:
    api = Draining({workloads.PODS: [on_node("web-1"), on_node("web-2")], BUDGETS: [budget(0)]})
    api.refusals = 2
    given = arguments(api, "nodes", [workloads.node("edge-1")])
    reports: list[str] = []
    outcome = await registry.run(KubeNodeDrain, context(), (UID,), given, report=reports.append)
    assert outcome.message == "edge-1 drained: 2 pods moved."
    assert reports[0] == "edge-1 cordoned" and any("web-1 waits: Cannot evict pod" in line for line in reports)


async def test_a_drain_that_a_budget_stops_names_pod_and_budget(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "WITHIN", 0.03)
    api = Draining({workloads.PODS: [on_node("web-1"), on_node("debug", "")], BUDGETS: [budget(0)]})
    api.refusals = 1000
    given = arguments(api, "nodes", [workloads.node("edge-1")])
    with pytest.raises(Failed) as caught:
        await registry.run(KubeNodeDrain, context(), (UID,), given)
    assert "edge-1 is not empty, 2 pods stay: shop/debug: no controller" in caught.value.message
    assert "shop/web-1: budget web-budget allows none now" in caught.value.hint


def test_every_verb_on_objects_has_its_action() -> None:
    """A verb without one would only report that it works in the console."""
    for verb in object_verbs.COMMANDS:
        if verb.online:
            assert registry.acting(verb) is not verb and issubclass(registry.acting(verb), verb), verb.name


async def test_without_kubectl_a_file_is_not_applied_and_the_verb_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(NotFound, match="kubectl is not on PATH"):
        await manifest.KubeManifest().plan(context(), (UID,), {"file": "shop.yaml"})


def test_a_difference_is_shown_without_temporary_files() -> None:
    texts = ("diff -u -N /tmp/LIVE-1/a /tmp/MERGED-1/a", "--- /tmp/LIVE-1/a\tx")
    output = "\n".join([*texts, "+++ /tmp/MERGED-1/apps.v1.Deployment.shop.till\tx", "+  replicas: 2"])
    assert manifest.difference_lines(output) == ("apps.v1.Deployment.shop.till", "+  replicas: 2")
