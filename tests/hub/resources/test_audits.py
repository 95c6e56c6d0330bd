"""The audit log holds who did what, to what, when and from where, for every write of a user, and no heartbeat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.hub.http.routing import Access
from edgewright.hub.packs.index import IMPORTED
from edgewright.hub.process import compose
from edgewright.hub.process.options import ServeOptions
from edgewright.packs import archive, catalogue
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as cluster_paths
from tests.hub.clusters import calls as cluster_calls
from tests.hub.http import profile_calls
from tests.hub.packs.test_packs import upload
from tests.hub.people import ssh_key
from tests.hub.plain_calls import plain_calls
from tests.hub_fixture import RunningHub
from tests.packs.samples import pack_files

WRITES = (Access.OPERATE, Access.WRITE, Access.HOST_OR_OPERATE, Access.ANY_HOST_OR_OPERATE)
QUIET = {
    ("POST", "/v1/registries/helm/validate"): "needs a registry that answers: tests/hub/packs",
    ("POST", "/v1/registries/oci/basic/validate"): "needs a registry that answers: tests/hub/packs",
    ("GET", "/edgewright/v1/clusters/{uid}/relay"): "without a WebSocket it opens nothing: tests/hub/relay",
    ("GET", "/v1/spectroclusters/{uid}/assets/kubeconfig"): "clients read it at each refresh",
    ("GET", "/v1/spectroclusters/{uid}/assets/kubeconfigclient"): "clients read it at each refresh",
    ("PUT", "/edgewright/v1/blobs/{digest}"): "the piece that completes a blob is an entry: tests/hub/blobs",
}
"""Writing routes that change nothing, with the reason."""


CHANNEL = {"type": "http", "isActive": True, "http": {"url": "http://127.0.0.1:9"}}

FILTER = {
    "metadata": {"name": "audited"},
    "spec": {"filterGroup": {"conjunction": "and", "filters": [{"key": "site", "operator": "eq", "values": ["a"]}]}},
}


class World:
    """What the bodies of the writes name."""

    def __init__(self, hub: RunningHub, token: str) -> None:
        admin = hub.client()
        self.project = admin.post("/v1/projects", json={"metadata": {"name": "audited"}}).json()["uid"]
        self.token = hub.token("audited")[0]
        self.key = admin.post("/v1/apiKeys", json={"metadata": {"name": "audited"}}).json()["uid"]
        hub.host("a-1", token)
        admin.post("/v1/edgehosts", json={"metadata": {"uid": "a-2"}})
        hook = {"name": "audited", "kind": "webhook", "webhook": {"url": "http://127.0.0.1:9"}}
        self.receiver = admin.post("/edgewright/v1/receivers", json=hook).json()["uid"]
        default = admin.get("/v1/dashboard/projects/metadata").json()["items"][0]["metadata"]["uid"]
        self.channels = f"/v1/projects/{default}/alerts/ClusterHealth"
        self.channel = admin.post(self.channels, json=CHANNEL).json()["uid"]
        self.user = admin.post(protocol.USERS, json={"spec": {"emailId": "audited@example.com"}}).json()["uid"]
        key = {"metadata": {"name": "audited"}, "spec": {"publicKey": ssh_key(1)}}
        self.ssh_key = admin.post(protocol.SSH_KEYS, json=key).json()["uid"]
        self.filter = admin.post(protocol.TAG_FILTERS, json=FILTER).json()["uid"]
        charts = {"endpoint": "https://127.0.0.1:9/x", "auth": {"type": "noAuth"}, "createOption": {"skipSync": True}}
        self.helm_body = {"metadata": {"name": "audited"}, "spec": charts}
        self.oci_body = {"metadata": {"name": "audited-oci"}, "spec": {"endpoint": "127.0.0.1:9", "auth": {}}}
        self.helm = admin.post(protocol.HELM_REGISTRIES, json=self.helm_body).json()["uid"]
        self.oci = admin.post(protocol.OCI_REGISTRIES, json=self.oci_body).json()["uid"]
        third = {**self.helm_body, "metadata": {"name": "audited-3"}}
        self.third = admin.post(protocol.HELM_REGISTRIES, json=third).json()["uid"]
        self.pack = upload(admin, archive.pack(pack_files()))
        self.other_pack = catalogue.uid(IMPORTED, "demo-pack", "2.0.0")
        self.audit = admin.get("/v1/audits").json()["items"][0]["metadata"]["uid"]

    def calls(self) -> list[tuple[str, str, str, Any]]:
        """Return method, route, path and body of a write for each route, deletions last."""
        host, unpaired = "/v1/edgehosts/a-1", "/v1/edgehosts/a-2"
        token, key, project = (
            f"/v1/edgehosts/tokens/{self.token}",
            f"/v1/apiKeys/{self.key}",
            f"/v1/projects/{self.project}",
        )
        named = {"metadata": {"name": "audited-2"}}
        event = {"message": "m", "reason": "r", "relatedObject": {"kind": "edgehost", "uid": "a-1"}}
        operations = "/edgewright/v1/hosts/a-1/operations"
        receiver = f"/edgewright/v1/receivers/{self.receiver}"
        named_receiver = {"name": "r-3", "kind": "webhook", "webhook": {"url": "http://127.0.0.1:9"}}
        channel, of_project = f"{self.channels}/{self.channel}", "/v1/projects/{uid}/alerts/{component}"
        user, ssh = f"/v1/users/{self.user}", f"{protocol.SSH_KEYS}/{self.ssh_key}"
        tag_filter = f"{protocol.TAG_FILTERS}/{self.filter}"
        named_key = {"metadata": {"name": "s-3"}, "spec": {"publicKey": ssh_key(3)}}
        helm = f"{protocol.HELM_REGISTRIES}/{self.helm}"
        oci = f"/v1/registries/oci/{self.oci}/basic"
        pack = f"{protocol.OWN_PACKS}/{self.other_pack}"
        inactive = [{"op": "replace", "path": "/status/isActive", "value": False}]
        return [
            ("POST", protocol.HELM_REGISTRIES, protocol.HELM_REGISTRIES, {**self.helm_body, **named}),
            ("POST", protocol.OCI_REGISTRIES, protocol.OCI_REGISTRIES, {**self.oci_body, "metadata": {"name": "o-2"}}),
            ("PUT", protocol.HELM_REGISTRY, helm, self.helm_body),
            ("PUT", protocol.OCI_REGISTRY, oci, self.oci_body),
            ("POST", protocol.HELM_REGISTRY_SYNC, helm + "/sync", None),
            ("POST", protocol.OCI_REGISTRY_SYNC, oci + "/sync", None),
            ("DELETE", protocol.HELM_REGISTRY, helm, None),
            ("DELETE", protocol.OCI_REGISTRY, oci, None),
            ("DELETE", protocol.PALETTE_REGISTRY, f"/v1/registries/{self.third}", None),
            ("POST", protocol.OWN_PACKS, protocol.OWN_PACKS, {"blob": self.pack}),
            ("POST", protocol.PACK_CONTENT, pack + "/content", None),
            ("DELETE", protocol.OWN_PACK, pack, None),
            ("POST", protocol.USERS, protocol.USERS, {"spec": {"emailId": "audited-3@example.com"}}),
            ("PUT", protocol.USER, user, {"spec": {"firstName": "A"}}),
            ("PATCH", protocol.USER, user, inactive),
            ("PATCH", protocol.USER_PASSWORD_RESET, user + "/password/reset", None),
            ("PUT", protocol.USER_ROLES, user + "/roles", {"roles": ["viewer"]}),
            ("PUT", protocol.USER_PROJECTS, user + "/projects", {"projects": []}),
            ("DELETE", protocol.USER, user, None),
            ("POST", protocol.SSH_KEYS, protocol.SSH_KEYS, named_key),
            ("PUT", protocol.SSH_KEY, ssh, named),
            ("DELETE", protocol.SSH_KEY, ssh, None),
            ("POST", protocol.TAG_FILTERS, protocol.TAG_FILTERS, {**FILTER, "metadata": {"name": "f-3"}}),
            ("PUT", protocol.TAG_FILTER, tag_filter, named),
            ("DELETE", protocol.TAG_FILTER, tag_filter, None),
            ("PATCH", "/edgewright/v1/handling/{key:path}", "/edgewright/v1/handling/host%2Fa-1%2Fx", {"note": "n"}),
            ("POST", "/edgewright/v1/receivers", "/edgewright/v1/receivers", named_receiver),
            ("PATCH", "/edgewright/v1/receivers/{uid}", receiver, {"active": False}),
            ("POST", "/edgewright/v1/receivers/{uid}/test", receiver + "/test", {}),
            ("PUT", of_project + "/{alertUid}", channel, CHANNEL),
            ("DELETE", of_project + "/{alertUid}", channel, None),
            ("POST", of_project, self.channels, CHANNEL),
            ("DELETE", of_project, self.channels, None),
            ("PUT", of_project, self.channels, {"channels": [CHANNEL]}),
            ("DELETE", "/edgewright/v1/receivers/{uid}", receiver, None),
            ("POST", "/v1/edgehosts", "/v1/edgehosts", {"metadata": {"uid": "a-3"}}),
            ("PUT", "/v1/edgehosts/{uid}", host, {"metadata": {"labels": {"x": "y"}}}),
            ("PUT", "/v1/edgehosts/{uid}/meta", host + "/meta", {"metadata": {"labels": {"x": "z"}}}),
            ("PATCH", "/v1/edgehosts/{uid}/hostPairingKey", unpaired + "/hostPairingKey", {"hostPairingKey": "k" * 12}),
            ("PATCH", "/v1/edgehosts/{uid}/hostCheckSum", host + "/hostCheckSum", {"hostCheckSum": "c"}),
            ("PATCH", "/v1/edgehosts/{uid}/tunnelConfig", host + "/tunnelConfig", {"remoteSsh": "enabled"}),
            ("PUT", "/v1/edgehosts/{uid}/reset", host + "/reset", None),
            ("POST", "/edgewright/v1/hosts/{uid}/operations", operations, {"kind": "collect-logs"}),
            ("POST", "/v1/edgehosts/tokens", "/v1/edgehosts/tokens", {"metadata": {"name": "t-3"}}),
            ("PUT", "/v1/edgehosts/tokens/{uid}", token, named),
            ("PUT", "/v1/edgehosts/tokens/{uid}/state", token + "/state", {"isActive": False}),
            ("POST", "/v1/apiKeys", "/v1/apiKeys", {"metadata": {"name": "k-3"}}),
            ("PUT", "/v1/apiKeys/{uid}", key, named),
            ("PATCH", "/v1/apiKeys/{uid}", key, {"isActive": False}),
            ("PUT", "/v1/apiKeys/{uid}/state", key + "/state", {"isActive": True}),
            ("POST", "/v1/projects", "/v1/projects", {"metadata": {"name": "p-3"}}),
            ("PUT", "/v1/projects/{uid}", project, named),
            ("PUT", "/v1/projects/{uid}/meta", project + "/meta", named),
            ("POST", "/v1/events/components", "/v1/events/components", event),
            ("POST", "/v1/events/components/bulk", "/v1/events/components/bulk", [event]),
            ("PATCH", "/v1/audits/{uid}/userMsg", f"/v1/audits/{self.audit}/userMsg", {"userMsg": "seen"}),
            ("DELETE", "/v1/events/components/{objectKind}/{objectUid}", "/v1/events/components/edgehost/a-1", None),
            ("DELETE", "/v1/edgehosts/tokens/{uid}", token, None),
            ("DELETE", "/v1/apiKeys/{uid}", key, None),
            ("DELETE", "/v1/projects/{uid}", project, None),
            ("DELETE", "/v1/edgehosts/{uid}", host, None),
        ]  # fmt: skip


def entries(admin: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = admin.get("/v1/audits?limit=50").json()["items"]
    return found


def test_every_write_of_a_user_is_in_the_audit_log(hub: RunningHub, token: str) -> None:
    calls, admin = World(hub, token).calls(), hub.client()
    writes = [route for route in compose.table(ServeOptions(hub.data)) if route.access in WRITES]
    named = {(method, path) for method, path, _, _ in calls} | set(QUIET)
    assert named <= {(route.method, route.path) for route in writes}
    of_nouns = [
        (route.method, route.path, module.prepared(hub, route.method, route.path))
        for module, ours in ((profile_calls, profile_calls.is_of_profiles), (cluster_calls, cluster_calls.of_clusters))
        for route in writes
        if ours(route.path) and (route.method, route.path) not in QUIET
    ]
    of_nouns.append(("POST", cluster_paths.FORGET, cluster_calls.lost(hub)))
    of_nouns += [(*key, made) for key, made in cluster_calls.decisions(hub).items() if key[0] == "POST"]
    named |= {(method, path) for method, path, _ in of_nouns}

    def every() -> Iterator[tuple[str, str, httpx.Response]]:
        for method, _, path, body in calls:
            yield method, path, admin.request(method, path, **({} if body is None else {"json": body}))
        for method, path, made in of_nouns:
            yield method, path, made()
        yield from plain_calls(admin, [route for route in writes if (route.method, route.path) not in named])

    answers = every()
    while True:
        before = admin.get("/v1/audits?limit=1").json()["listmeta"]["count"]
        began = time.time()
        called = next(answers, None)
        if called is None:
            break
        method, path, answer = called
        assert answer.status_code in (200, 201, 202, 204), (method, path, answer.text)
        listed = admin.get("/v1/audits?limit=1").json()
        assert listed["listmeta"]["count"] == before + 1, (method, path)
        entry = listed["items"][0]
        spec = entry["spec"]
        assert spec["actor"]["user"]["emailId"] == "admin@localhost"  # who
        assert spec["actionMsg"] and spec["actionType"] in ("create", "update", "delete", "action")  # what
        assert spec["resource"]["kind"] and spec["resource"]["uid"]  # to what
        assert abs((times.parse(entry["metadata"]["creationTimestamp"]) or 0) - began) < 5  # when
        assert spec["edgewright"] == {"address": "127.0.0.1", "via": "API key admin"}  # from where, by which key
        assert answer.headers["audituid"] == entry["metadata"]["uid"], (method, path)


def test_a_registration_is_and_a_heartbeat_is_not(hub: RunningHub, token: str) -> None:
    admin = hub.client()
    host = hub.host("b-1", token)
    first = entries(admin)[0]
    assert first["spec"]["actionType"] == "create" and first["spec"]["resource"]["uid"] == "b-1"
    assert first["spec"]["actor"]["serviceName"] == "host b-1" and first["spec"]["edgewright"]["address"] == "127.0.0.1"
    before = admin.get("/v1/audits").json()["listmeta"]["count"]
    for seq in range(5):
        assert host.patch("/v1/edgehosts/b-1/health", json={"state": "healthy", "edgewright": {"seq": seq}}).is_success
    host.put("/v1/edgehosts/b-1", json={"spec": {"device": {"archType": "arm64"}}})
    host.post("/v1/events/components/bulk", json=[{"message": "m", "metadata": {"uid": "9" * 24}}])
    assert admin.get("/v1/audits").json()["listmeta"]["count"] == before


def test_a_refused_write_leaves_no_entry(hub: RunningHub) -> None:
    admin, viewer = hub.client(), hub.viewer()
    before = admin.get("/v1/audits").json()["listmeta"]["count"]
    assert viewer.post("/v1/edgehosts", json={"metadata": {"uid": "c-1"}}).status_code == 403
    assert admin.post("/v1/edgehosts", json={"metadata": {"uid": "a" * 200}}).status_code == 422
    assert admin.get("/v1/audits").json()["listmeta"]["count"] == before


@pytest.mark.parametrize("end", ["revoke", "delete"])
def test_hosts_outlive_their_token(hub: RunningHub, end: str) -> None:
    """P11: ending a token touches no host that came in by it."""
    admin = hub.client()
    uid, text = hub.token(f"ends-{end}")
    host = hub.host(f"d-{end}", text)
    came = admin.get(f"/edgewright/v1/tokens/{uid}/hosts").json()["items"]
    assert [item["uid"] for item in came] == [f"d-{end}"]
    assert admin.get(f"/v1/edgehosts/tokens/{uid}").json()["status"]["edgewright"]["hosts"] == 1
    if end == "delete":
        assert admin.delete(f"/v1/edgehosts/tokens/{uid}").status_code == 204
        assert admin.get(f"/edgewright/v1/tokens/{uid}/hosts").status_code == 404
    else:
        assert admin.put(f"/v1/edgehosts/tokens/{uid}/state", json={"isActive": False}).status_code == 204
    assert host.patch(f"/v1/edgehosts/d-{end}/health", json={"state": "healthy"}).status_code == 204
    status = admin.get(f"/v1/edgehosts/d-{end}").json()["status"]["edgewright"]
    assert (status["tokenUid"], status["tokenName"]) == (uid, None if end == "delete" else f"ends-{end}")
    assert hub.register(f"d-{end}", text).status_code == 200  # the same registration again needs no token (P9)
    assert hub.register(f"d-{end}-late", text).status_code == 401
    assert admin.delete(f"/v1/edgehosts/d-{end}").status_code == 204
