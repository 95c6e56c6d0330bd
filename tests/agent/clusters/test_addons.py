"""Add-ons: objects in order, conflicts by who owns a field, and removal of exactly what a layer no longer has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from edgewright.agent.clusters.addons import applyset, layers, objects, record
from edgewright.agent.clusters.addons.applyset import ApplySet
from edgewright.agent.clusters.kube.api import Api
from edgewright.core.clusters import model
from edgewright.core.errors import Conflict, InvalidInput, NotFound, Refused, Unreachable
from tests.agent.clusters.support import FakeHost, cluster, context

KINDS = {
    "/api/v1": [("ConfigMap", "configmaps", True), ("Namespace", "namespaces", False), ("Pod", "pods", True),
                ("PersistentVolumeClaim", "persistentvolumeclaims", True), ("Node", "nodes", False)],
    "/apis/apps/v1": [("Deployment", "deployments", True), ("DaemonSet", "daemonsets", True)],
}  # fmt: skip


class FakeApi(Api):
    """Not real: objects by path, labels of a list; a conflict where a test sets one."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.applied: list[tuple[str, bool]] = []
        self.conflicts: dict[str, str] = {}
        self.uid = 0

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> dict[str, Any]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if method == "GET":
            return self._get(parts.path, query)
        if method == "DELETE":
            if self.stored.pop(parts.path, None) is None:
                raise NotFound("not there")
            return {}
        force = query.get("force") == "true"
        if parts.path in self.conflicts and not force:
            raise Conflict(self.conflicts[parts.path])
        self.applied.append((parts.path, force))
        self.uid += 1
        uid = (self.stored.get(parts.path) or {"metadata": {"uid": str(self.uid)}})["metadata"]["uid"]
        metadata = {**(body or {})["metadata"], "uid": uid}
        self.stored[parts.path] = json.loads(json.dumps({**(body or {}), "metadata": metadata}))
        return self.stored[parts.path]

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        if path in KINDS:
            return {"resources": [{"kind": k, "name": n, "namespaced": s} for k, n, s in KINDS[path]]}
        if path == "/apis/apps":
            return {"preferredVersion": {"groupVersion": "apps/v1"}}
        if path in self.stored:
            return self.stored[path]
        if path.rpartition("/")[2] in {name for kinds in KINDS.values() for _, name, _ in kinds}:
            name, _, value = query.get("labelSelector", "").partition("=")
            items = [i for p, i in self.stored.items() if p.rpartition("/")[0] == path]
            return {"items": [i for i in items if not name or (i["metadata"].get("labels") or {}).get(name) == value]}
        raise NotFound(path)


def item(kind: str, name: str, version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **more}}


WEB = item("Deployment", "web", "apps/v1")
PATH = "/apis/apps/v1/namespaces/site/deployments/web"


def test_objects_are_applied_in_order_with_label_and_namespace_and_the_content_is_noted_last() -> None:
    api = FakeApi()
    layer = ApplySet(api, "web")
    layer.apply([WEB, item("ConfigMap", "c"), item("Namespace", "site")], "site", "digest-1", lambda line: None)
    assert [path for path, _ in api.applied if "edgewright-layer" not in path] == [
        "/api/v1/namespaces/site", "/api/v1/namespaces/site/configmaps/c", PATH,
    ]  # fmt: skip
    assert api.stored[PATH]["metadata"]["labels"] == {applyset.PART_OF: layer.id}
    parent = api.stored["/api/v1/namespaces/kube-system/configmaps/edgewright-layer-web"]
    assert parent["metadata"]["annotations"][applyset.KINDS] == "ConfigMap,Deployment.apps,Namespace"
    assert layer.applied() == "digest-1"


def test_what_a_layer_no_longer_has_is_removed_but_nothing_that_has_data() -> None:
    api = FakeApi()
    first = [WEB, item("ConfigMap", "old"), item("PersistentVolumeClaim", "data")]
    ApplySet(api, "web").apply(first, "site", "1", lambda line: None)
    api.stored["/api/v1/namespaces/site/configmaps/theirs"] = item("ConfigMap", "theirs", uid="x")
    lines: list[str] = []
    ApplySet(api, "web").apply([WEB, item("ConfigMap", "new")], "site", "2", lines.append)
    names = {path.rpartition("/")[2] for path in api.stored}
    assert {"web", "new", "data", "theirs"} <= names and "old" not in names


@pytest.mark.parametrize(("on_remove", "left"), [("delete", {"theirs"}), ("orphan", {"theirs", "web", "data"})])
def test_a_layer_that_the_document_drops_is_removed_or_left_as_it_asked(on_remove: str, left: set[str]) -> None:
    api = FakeApi()
    ApplySet(api, "web", on_remove).apply([WEB, item("PersistentVolumeClaim", "data")], "site", "1", lambda line: None)
    api.stored["/api/v1/namespaces/site/configmaps/theirs"] = item("ConfigMap", "theirs", uid="x")
    ApplySet(api, "web").remove(lambda line: None)
    assert {path.rpartition("/")[2] for path in api.stored} == left


def test_a_layer_that_would_remove_most_of_its_objects_is_refused() -> None:
    api = FakeApi()
    ApplySet(api, "web").apply([item("ConfigMap", f"c{n}") for n in range(30)], "site", "1", lambda line: None)
    with pytest.raises(Refused, match="would remove 30 of 31"):
        ApplySet(api, "web").apply([item("ConfigMap", "only")], "site", "2", lambda line: None)
    assert len([path for path in api.stored if "/site/" in path]) == 31


def test_a_field_of_kubectl_is_taken_over_and_one_of_a_controller_is_named() -> None:
    api = FakeApi()
    api.conflicts[PATH] = 'Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas'
    ApplySet(api, "web").apply([WEB], "site", "1", lambda line: None)
    assert (PATH, True) in api.applied
    api.conflicts[PATH] = 'Apply failed with 1 conflict: conflict with "hpa-controller": .spec.replicas'
    with pytest.raises(Refused, match="belongs to hpa-controller"):
        ApplySet(api, "web").apply([WEB], "site", "2", lambda line: None)


def test_content_that_is_not_objects_is_refused_and_lists_are_read() -> None:
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": [WEB]}).encode()
    assert objects.read_objects(listed) == [WEB] == objects.read_objects(json.dumps([WEB]).encode())
    for data in (b"kind: x", b"[1]", b"{}", b"[" * 100_000):
        with pytest.raises(InvalidInput):
            objects.read_objects(data)


def test_a_layer_waits_until_what_it_applied_has_started() -> None:
    api = FakeApi()
    net = item("DaemonSet", "net", "apps/v1")
    ApplySet(api, "web").apply([WEB, net], "site", "1", lambda line: None)
    left = [WEB, net]
    assert layers.starting(api, left, "site") == "Deployment web: 0 of 1 ready"
    api.stored[PATH].update(status={"observedGeneration": None, "availableReplicas": 1, "updatedReplicas": 1})
    daemons = api.stored["/apis/apps/v1/namespaces/site/daemonsets/net"]
    daemons["metadata"]["generation"] = 1
    assert layers.starting(api, left, "site") == "DaemonSet net: not looked at yet" and left == [net]
    status = {"observedGeneration": 1, "desiredNumberScheduled": 2, "numberReady": 1, "updatedNumberScheduled": 1}
    daemons["status"] = status
    assert layers.starting(api, left, "site") == "DaemonSet net: 1 of 2 ready"
    status["numberReady"] = status["updatedNumberScheduled"] = 2
    assert layers.starting(api, left, "site") == "" and left == []


@pytest.mark.parametrize(
    "strategy", [{"type": "OnDelete"}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}]
)
@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_pods_that_are_replaced_on_request_alone_are_not_waited_for_but_have_to_run(
    kind: str, strategy: dict[str, Any]
) -> None:
    status = {"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 0}
    status |= {"desiredNumberScheduled": 2, "numberReady": 2, "updatedNumberScheduled": 0}
    shown = {**item(kind, "db", "apps/v1", generation=2), "spec": {"replicas": 2, "updateStrategy": strategy}}
    assert objects.ready({**shown, "status": status}, 0) == ""
    assert objects.ready({**shown, "status": {**status, "readyReplicas": 1, "numberReady": 1}}, 0) == "1 of 2 ready"
    assert objects.ready({**shown, "status": status}) == "0 of 2 ready", "where a layer names it, all is waited for"


def test_a_kind_that_no_layer_can_wait_for_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = FakeHost(tmp_path)
    layer = model.Layer("web", 1, model.MANIFEST, ("1",), "site", wait_for=("pod/site/web-0",))
    monkeypatch.setattr(layers, "admin", lambda _: FakeApi())
    monkeypatch.setattr(layers, "objects_of", lambda *_: [])
    began = host.time
    with pytest.raises(InvalidInput, match="waits for pod/site/web-0, which is not a known kind"):
        layers.LayerStep().act(context(host, cluster(layers=(layer,)), argument="web"))
    assert host.time == began


def test_a_layer_is_noted_as_installed_only_when_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the checklist has a check mark at an application whose pods are pending, and the next layer begins."""
    api, noted = FakeApi(), list[float]()
    host = FakeHost(tmp_path)
    work = context(host, cluster(layers=(model.Layer("web", 1, model.MANIFEST, ("1",), "site"),)), argument="web")
    monkeypatch.setattr(layers, "admin", lambda _: api)
    monkeypatch.setattr(layers, "objects_of", lambda *_: [WEB])
    monkeypatch.setattr(record, "read", lambda _: {})
    monkeypatch.setattr(record, "change", lambda *_: noted.append(host.time))

    def sleep(seconds: float) -> None:
        host.time += seconds
        if host.time >= began + 7:
            api.stored[PATH]["status"] = {"availableReplicas": 1, "updatedReplicas": 1}

    with pytest.raises(Unreachable, match="Not ready after 600 s: Deployment web: 0 of 1 ready"):
        layers.LayerStep().act(work)  # a step that could not reach what it needs is repeated without a limit
    assert noted == []
    began = host.time
    monkeypatch.setattr(host, "sleep", sleep)
    layers.LayerStep().act(work)
    assert noted == [began + 7] and "waits for Deployment web: 0 of 1 ready" in host.logged


@pytest.mark.parametrize("state", ["a node is away", "no node is chosen", "paused"])
def test_a_layer_waits_for_nothing_that_does_not_start_by_waiting(state: str) -> None:
    api = FakeApi()
    net = item("DaemonSet", "net", "apps/v1", generation=1)
    ApplySet(api, "web").apply([{**WEB, "spec": {"paused": state == "paused"}}, net], "site", "1", lambda line: None)
    for name, ready in (("a", "True"), ("b", "Unknown" if state == "a node is away" else "True")):
        conditions = {"conditions": [{"type": "Ready", "status": ready}]}
        api.stored[f"/api/v1/nodes/{name}"] = {**item("Node", name), "status": conditions}
    wanted = 0 if state == "no node is chosen" else 2
    up = min(wanted, 1 if state == "a node is away" else 2)
    api.stored["/apis/apps/v1/namespaces/site/daemonsets/net"]["status"] = {
        "observedGeneration": 1, "desiredNumberScheduled": wanted, "numberReady": up, "updatedNumberScheduled": up,
    }  # fmt: skip
    assert layers.starting(api, [net], "site") == ""
    shown = layers.starting(api, [WEB], "site")
    assert shown == ("" if state == "paused" else "Deployment web: 0 of 1 ready")


def test_a_workload_is_ready_when_its_newest_generation_is() -> None:
    web = {**WEB, "spec": {"replicas": 2}, "metadata": {"name": "web", "generation": 2}}
    status = {"observedGeneration": 1, "availableReplicas": 2, "updatedReplicas": 2}
    assert objects.ready({**web, "status": status}) == "not looked at yet"
    status["observedGeneration"] = 2
    assert objects.ready({**web, "status": status}) == ""
    assert objects.ready({**web, "status": {**status, "updatedReplicas": 1}}) == "1 of 2 ready"
    assert objects.ready(None) == "not there"
    daemons = {**web, "kind": "DaemonSet", "status": {"observedGeneration": 2}}
    assert objects.ready(daemons) == "no node has it yet"
    crd = item("CustomResourceDefinition", "x")
    assert objects.ready(crd) == "not established"
