"""A host's calls of a cluster's API over TLS: pages, closed connections, refusals, and limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kube import api as kube_api
from edgewright.agent.kube.api import KubeApi
from edgewright.agent.kube.apply import Applier
from edgewright.agent.kube.discovery import Discovery
from edgewright.agent.kube.errors import ApplyConflict, transient
from edgewright.agent.kube.kubeconfig import read_kubeconfig
from edgewright.core.errors import Conflict, EdgewrightError, Failed, InvalidInput, NotFound, Refused, Unreachable
from tests.agent.kube.helpers import Answer, api_server, kubeconfig, refused
from tests.oci.raw_server import Certificate, certificate


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


class Cluster:
    """A server and an API that is connected to it."""

    def __init__(self, folder: Path, pair: Certificate) -> None:
        self.folder, self.pair, self.calls = folder, pair, []  # type: Path, Certificate, list[tuple[str, str, bytes]]

    def api(self, answer: Answer, close_after: bool = False) -> KubeApi:
        def noted(method: str, target: str, body: bytes) -> tuple[str, Any]:
            self.calls.append((method, target, body))
            return answer(method, target, body)

        self.server = api_server(self.pair, noted, close_after)
        return KubeApi(read_kubeconfig(str(kubeconfig(self.folder, self.server.url, self.pair))), timeout=5.0)


@pytest.fixture
def cluster(tmp_path: Path, pair: Certificate) -> Iterator[Cluster]:
    made = Cluster(tmp_path, pair)
    yield made
    made.server.close()


def test_a_list_is_read_page_by_page_over_one_connection(cluster: Cluster) -> None:
    def answer(_method: str, target: str, _body: bytes) -> tuple[str, Any]:
        if "continue=more" in target:
            return "200 OK", {"items": [{"metadata": {"name": "b"}}], "metadata": {}}
        return "200 OK", {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "more"}}

    api = cluster.api(answer)
    assert [item["metadata"]["name"] for item in api.items("/api/v1/pods", "app=web")] == ["a", "b"]
    assert all("labelSelector=app%3Dweb" in target for _, target, _ in cluster.calls)
    assert (len(cluster.calls), cluster.server.connections) == (2, 1)


def test_a_list_without_end_is_given_up(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_api, "PAGES", 3)
    api = cluster.api(lambda *_: ("200 OK", {"items": [], "metadata": {"continue": "x"}}))
    with pytest.raises(Unreachable, match="more than 750 objects"):
        list(api.items("/api/v1/pods"))
    assert len(cluster.calls) == 3


def test_an_answer_that_is_too_large_is_given_up(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_api, "LARGEST", 1_000)
    api = cluster.api(lambda *_: ("200 OK", {"data": "x" * 2_000}))
    with pytest.raises(Unreachable, match="the answer has more than"):
        api.call("GET", "/api/v1/secrets")


def test_a_connection_that_was_closed_while_idle_is_opened_again(cluster: Cluster) -> None:
    api = cluster.api(lambda *_: ("200 OK", {"kind": "Pod"}), close_after=True)  # as a restart of the API does
    api.call("GET", "/a")
    assert api.call("GET", "/b") == {"kind": "Pod"}
    assert cluster.server.connections == 2


@pytest.mark.parametrize(
    ("status", "reason", "error", "again"),
    [
        ("404 Not Found", "NotFound", NotFound, False),
        ("403 Forbidden", "Forbidden", Refused, False),
        ("401 Unauthorized", "Unauthorized", Refused, False),
        ("409 Conflict", "AlreadyExists", Conflict, False),
        ("422 Unprocessable Entity", "Invalid", InvalidInput, False),
        ("429 Too Many Requests", "TooManyRequests", Unreachable, True),
        ("503 Service Unavailable", "ServiceUnavailable", Unreachable, True),
        ("500 Internal Server Error", "InternalError", Unreachable, True),
    ],
)
def test_a_refusal_says_what_and_whether_to_try_again(
    cluster: Cluster, status: str, reason: str, error: type[EdgewrightError], again: bool
) -> None:
    api = cluster.api(lambda *_: (status, refused(int(status[:3]), reason, 'pods "x" \x1b[31mtrouble')))
    with pytest.raises(error) as caught:
        api.call("GET", "/api/v1/pods/x", what="Pod a/x cannot be read")
    assert caught.value.code == reason and transient(caught.value) is again
    assert caught.value.message.startswith('Pod a/x cannot be read: pods "x"') and "\x1b" not in caught.value.message


def test_nothing_listens_and_another_ca_are_sentences(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    api = cluster.api(lambda *_: ("200 OK", {}))
    api.call("GET", "/a")
    other = certificate(tmp_path_factory.mktemp("other"))
    path = kubeconfig(cluster.folder, cluster.server.url, other)
    with pytest.raises(Unreachable) as caught:
        KubeApi(read_kubeconfig(str(path))).call("GET", "/a")
    assert caught.value.code == "CertificateRefused"
    api.close()
    cluster.server.close()
    with pytest.raises(Unreachable, match=f"{cluster.server.host} cannot be used: connection refused"):
        api.call("GET", "/a")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: "", "not a mapping"),
        (lambda text: text.replace("https://", "http://"), "not an https address"),
        (lambda text: text.replace("current-context: kubernetes-admin", "current-context: other"), "have no other"),
        (lambda text: text.replace("client-key-data: ", "client-key-data: !"), "cannot be read as YAML"),
        (lambda text: text.replace("client-key-data", "client-key-date"), "client-key"),
        (lambda text: text + "x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_kubeconfig_that_is_no_use_is_named_and_its_key_is_not_shown(
    tmp_path: Path, pair: Certificate, change: Any, reason: str
) -> None:
    path = kubeconfig(tmp_path, "https://127.0.0.1:1", pair)
    path.write_text(change(path.read_text()))
    with pytest.raises(Failed, match=reason) as caught:
        read_kubeconfig(str(path))
    assert str(path) in caught.value.message and "LS0t" not in caught.value.message


def cause(manager: str) -> dict[str, Any]:
    return {
        "reason": "FieldManagerConflict",
        "message": f'conflict with "{manager}" using apps/v1',
        "field": ".spec.replicas",
    }


def conflict(manager: str) -> tuple[str, Any]:
    return "409 Conflict", refused(409, "Conflict", "x", details={"causes": [cause(manager)]})


def _apps(method: str, target: str, _body: bytes) -> tuple[str, Any]:
    if target == "/apis/apps/v1":
        kinds = [
            {"kind": "Deployment", "name": "deployments", "namespaced": True},
            {"kind": "X", "name": "deployments/scale"},
        ]
        return "200 OK", {"resources": kinds}
    if target == "/api/v1":
        return "200 OK", {"resources": [{"kind": "Namespace", "name": "namespaces", "namespaced": False}]}
    return "404 Not Found", refused(404, "NotFound", "not there")


DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}


def test_what_an_operator_changed_by_kubectl_is_taken_back(cluster: Cluster) -> None:
    def answer(method: str, target: str, body: bytes) -> tuple[str, Any]:
        if method != "PATCH":
            return _apps(method, target, body)
        return conflict("kubectl-edit") if "force=false" in target else ("200 OK", {"x": 1})

    api = cluster.api(answer)
    assert Applier(api, Discovery(api)).apply(DEPLOYMENT) == {"x": 1}
    patches = [target for method, target, _ in cluster.calls if method == "PATCH"]
    assert [("force=true" in target, "fieldManager=edgewright" in target) for target in patches] == [
        (False, True),
        (True, True),
    ]
    assert patches[0].startswith("/apis/apps/v1/namespaces/shop/deployments/web?")


def test_a_field_that_a_controller_has_set_stops_the_step_and_is_named(cluster: Cluster) -> None:
    def answer(method: str, target: str, body: bytes) -> tuple[str, Any]:
        if method != "PATCH":
            return _apps(method, target, body)
        return conflict("autoscaler")

    api = cluster.api(answer)
    with pytest.raises(
        ApplyConflict, match=r"Deployment shop/web cannot be applied.*\.spec\.replicas \(autoscaler\)"
    ) as caught:
        Applier(api, Discovery(api)).apply(DEPLOYMENT)
    assert caught.value.managers == ("autoscaler",)
    assert sum(method == "PATCH" for method, _, _ in cluster.calls) == 1


def test_a_kind_that_the_cluster_has_not_is_asked_for_again_later(cluster: Cluster) -> None:
    there: list[dict[str, Any]] = []
    api = cluster.api(lambda *_: ("200 OK", {"resources": there}))
    discovery = Discovery(api)
    with pytest.raises(NotFound, match=r"no kind Widget of example\.com/v1"):
        discovery.kind("example.com/v1", "Widget")
    there.append({"kind": "Widget", "name": "widgets", "namespaced": True})
    assert discovery.kind("example.com/v1", "Widget").plural == "widgets"
    assert discovery.kind("example.com/v1", "Widget").namespaced and len(cluster.calls) == 2


def test_objects_are_placed_by_their_kind(cluster: Cluster) -> None:
    api = cluster.api(_apps)
    discovery = Discovery(api)
    bare = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    assert discovery.placed(bare, "shop")["metadata"] == {"name": "web", "namespace": "shop"}
    with pytest.raises(InvalidInput, match="Deployment web names no namespace"):
        discovery.placed(bare, "")
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "namespace": "shop"}}
    assert discovery.placed(space, "shop")["metadata"] == {"name": "shop"}
