"""Every Palette operation that the hub offers, against Palette's own API description: code, headers, body.

The rules are those that real clients need (exact success code, empty 204, `listmeta.continue`, error bodies, times),
and the call sequences of the Terraform provider, over TLS with the hub's private CA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft4Validator

from edgewright.core import roles
from edgewright.hub.packs.index import BUILTIN
from edgewright.hub.process.compose import table
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.resources.alerts.palette import CHANNEL, CHANNELS
from edgewright.packs import catalogue
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters
from tests.hub.clusters import calls as cluster_calls
from tests.hub.http import profile_calls
from tests.hub.people import ssh_key
from tests.hub_fixture import RunningHub, running_hub
from tests.oci.raw_server import RawServer, give

_CHANNEL = {
    "type": "http",
    "isActive": True,
    "alertAllUsers": True,
    "http": {
        "method": "POST",
        "url": "https://hooks.example.com/secret",
        "body": '{"text": "{{message}}"}',
        "headers": {"tag": "Health"},
    },
}
_TAG = {"key": "site", "negation": False, "operator": "eq", "values": ["berlin"]}
_FILTER = {"metadata": {"name": "made"}, "spec": {"filterGroup": {"conjunction": "and", "filters": [_TAG]}}}
NOTHING_YET = {clusters.BACKUP: clusters.E_BACKUP, clusters.SCAN: protocol.E_NOT_FOUND}
"""Offered with the answer that Palette gives while nothing is set up, which clients accept."""
UNDOCUMENTED = {"/v1/users/me"}
"""Offered because clients call it; the description does not have it."""


@pytest.fixture(scope="module")
def plane() -> Iterator[RunningHub]:
    """A hub with something of everything in it."""
    with running_hub() as hub:
        admin = hub.client()
        _, token = hub.token("contract")
        host = hub.host("c-1", token)
        body = {"state": "healthy", "agentVersion": "0.1.0", "edgewright": {"seq": 1}}
        host.patch("/v1/edgehosts/c-1/health", json=body)
        admin.post("/v1/edgehosts", json={"metadata": {"uid": "c-2"}, "spec": {"hostPairingKey": "k"}})
        admin.post(protocol.SSH_KEYS, json={"metadata": {"name": "first"}, "spec": {"publicKey": ssh_key(1)}})
        admin.post(protocol.TAG_FILTERS, json={**_FILTER, "metadata": {"name": "first"}})
        admin.post(protocol.HELM_REGISTRIES, json=_helm("first")).raise_for_status()
        admin.post(protocol.OCI_REGISTRIES, params={"skipPackSync": "true"}, json=_oci("first-oci")).raise_for_status()
        yield hub


def _schema(spec: dict[str, Any], schema: dict[str, Any]) -> Draft4Validator:
    """Return a validator of a swagger 2 schema; `null` is refused where the description names a type."""
    return Draft4Validator({**schema, "definitions": spec["definitions"]})


def _uid(hub: RunningHub, kind: str) -> str:
    admin = hub.client()
    lists = {"tokens": protocol.TOKENS, "keys": protocol.API_KEYS, "projects": protocol.PROJECTS_METADATA}
    lists |= {
        "users": protocol.USERS,
        "sshkeys": protocol.SSH_KEYS,
        "filters": protocol.FILTERS,
        "roles": protocol.ROLES,
    }
    if kind == "audits":
        found = admin.get(protocol.AUDITS).json()["items"]
    else:
        found = admin.get(lists[kind]).json()["items"]
    return str(found[-1]["metadata"]["uid"]) if found else "0" * 24


def _fill(hub: RunningHub, path: str) -> str:
    if cluster_calls.of_clusters(path):
        return cluster_calls.filled(hub, path)
    if "{uid}" in path:
        kinds = {"tokens": "tokens", "apiKeys": "keys", "audits": "audits", "filters": "filters", "roles": "roles"}
        kinds |= {"sshkeys": "sshkeys", "users": "users", "projects": "projects"}
        if path.startswith(("/v1/packs", "/v1/registries/pack")):
            podinfo = catalogue.uid(BUILTIN, "podinfo", "6.9.2")
            return path.replace("{uid}", podinfo if path.startswith("/v1/packs") else BUILTIN)
        if profile_calls.is_of_profiles(path) and path not in (protocol.PROJECT_MACROS, protocol.TENANT_MACROS):
            every = hub.client().get(protocol.PROFILES_NAMES).json()["items"]
            path = path.replace("{uid}", str(every[0]["metadata"]["uid"]) if every else "0" * 24)
        if path.startswith("/v1/registries"):
            kind = "oci" if "/oci/" in path else "helm"
            every = hub.client().get(protocol.REGISTRIES_METADATA).json()["items"]
            return path.replace("{uid}", next((item["uid"] for item in every if item["kind"] == kind), "0" * 24))
        parts = path.partition("{uid}")[0].split("/")
        kind = next((kinds[part] for part in reversed(parts) if part in kinds), "")
        path = path.replace("{uid}", _uid(hub, kind) if kind else "c-1")
    path = path.replace("{userUid}", _uid(hub, "users")) if "{userUid}" in path else path
    path = path.replace("{tenantUid}", profile_calls.tenant(hub.client())) if "{tenantUid}" in path else path
    path = path.replace("{packName}", "podinfo").replace("{registryUid}", BUILTIN)
    return path.replace("{objectKind}", "edgehost").replace("{objectUid}", "c-1").replace("{serviceName}", "stylus")


def _call(hub: RunningHub, method: str, path: str) -> httpx.Response:
    """Make a good call of an operation."""
    bodies: dict[tuple[str, str], Any] = {
        ("POST", protocol.TOKENS): {"metadata": {"name": "made"}, "spec": {}},
        ("POST", protocol.API_KEYS): {"metadata": {"name": "made"}},
        ("POST", "/v1/projects"): {"metadata": {"name": "made"}},
        ("PUT", "/v1/projects/{uid}"): {"metadata": {"name": "Renamed"}},
        ("PUT", "/v1/projects/{uid}/meta"): {"name": "Renamed again"},
        ("POST", protocol.HOSTS): {"metadata": {"uid": "c-3"}},
        ("POST", protocol.EVENTS): {"message": "m", "relatedObject": {"kind": "edgehost", "uid": "c-1"}},
        ("POST", protocol.EVENTS_BULK): [{"message": "m"}],
        ("PUT", protocol.TOKEN_STATE): {"isActive": True},
        ("PUT", protocol.API_KEY_STATE): {"isActive": True},
        ("PATCH", protocol.API_KEY): {"isActive": True},
        ("POST", protocol.USERS): {"spec": {"emailId": "made@example.com"}},
        ("PUT", protocol.USER_ROLES): {"roles": [roles.uid(roles.ADMIN)]},
        ("PUT", protocol.USER): {"spec": {"firstName": "Changed"}},
        ("PATCH", protocol.USER): [{"op": "replace", "path": "/spec/lastName", "value": "Too"}],
        ("POST", protocol.SSH_KEYS): {"metadata": {"name": "made"}, "spec": {"publicKey": ssh_key(2)}},
        ("POST", protocol.TAG_FILTERS): _FILTER,
        ("POST", CHANNELS): _CHANNEL,
        ("PUT", CHANNEL): _CHANNEL,
        ("PUT", CHANNELS): {"channels": [_CHANNEL]},
        ("POST", protocol.HELM_REGISTRIES): _helm("made"),
        ("POST", protocol.OCI_REGISTRIES): _oci("made-oci"),
        ("PUT", protocol.HELM_REGISTRY): _helm("renamed"),
        ("PUT", protocol.OCI_REGISTRY): _oci("renamed-oci"),
        ("PATCH", protocol.HOST_HEALTH): {"state": "healthy"},
        ("PATCH", protocol.HOST_TUNNEL_STATUS): {"ssh": {"state": "Failed", "message": "none"}},
        ("POST", protocol.AUTHENTICATE): {"emailId": "admin@localhost", "password": hub.admin_key, "org": ""},
    }
    if profile_calls.is_of_profiles(path):
        return profile_calls.call(hub, method, path)
    if cluster_calls.of_clusters(path):
        return cluster_calls.call(hub, method, path)
    admin = hub.client()
    if path == protocol.HOST_REGISTER:
        return hub.register("c-4", hub.token("register")[1])
    if path == protocol.REFRESH:
        session = admin.post(protocol.AUTHENTICATE, json=bodies["POST", protocol.AUTHENTICATE]).json()["Authorization"]
        return admin.get(f"/v1/auth/refresh/{session}")
    filled = _fill(hub, path)
    if path in (CHANNELS, CHANNEL):
        filled = filled.replace("{component}", "ClusterHealth")
        channels = filled.removesuffix("/{alertUid}")
        filled = channels + "/" + admin.post(channels, json=_CHANNEL).json()["uid"] if path == CHANNEL else channels
        if (method, path) == ("DELETE", CHANNELS):
            admin.post(channels, json=_CHANNEL)
    if (method, path) in (("PATCH", protocol.HOST_HEALTH), ("PATCH", protocol.HOST_TUNNEL_STATUS)):
        host = hub.host("c-5", hub.token(f"for {path}")[1], simulated=True)
        answer = host.request(method, filled.replace("c-1", "c-5"), json=bodies[method, path])
        admin.delete("/v1/edgehosts/c-5")
        return answer
    if (method, path) == ("PATCH", protocol.HOST_PAIRING_KEY):
        return admin.patch("/v1/edgehosts/c-2/hostPairingKey", json={"hostPairingKey": "k2"})
    if path in (protocol.HELM_REGISTRIES_VALIDATE, protocol.OCI_REGISTRIES_VALIDATE):
        return _validated(admin, path)
    if method == "DELETE":
        filled = _deletable(hub, path, filled)
    sent = bodies.get((method, path), {} if method in ("POST", "PUT", "PATCH") else None)
    return admin.request(method, filled, json=sent) if sent is not None else admin.request(method, filled)


def _helm(name: str) -> dict[str, Any]:
    spec = {"endpoint": "https://127.0.0.1:9/charts", "auth": {"type": "noAuth"}, "createOption": {"skipSync": True}}
    return {"metadata": {"name": name}, "spec": spec}


def _oci(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"endpoint": "127.0.0.1:9", "auth": {"type": "noAuth"}}}


def _validated(admin: httpx.Client, path: str) -> httpx.Response:
    """Try a registry that answers."""
    helm = path == protocol.HELM_REGISTRIES_VALIDATE
    server = RawServer(give("200 OK", b"entries: {}" if helm else b"{}"))
    spec = {"auth": {"type": "noAuth"}, "edgewright": {"allowPrivate": True}}
    answer = admin.post(path, json={**spec, "endpoint": f"http://{server.host}" if helm else server.host})
    server.close()
    return answer


def _deletable(hub: RunningHub, path: str, filled: str) -> str:
    admin = hub.client()
    name: dict[str, Any] = {"metadata": {"name": f"to delete {path}"}}
    if path == protocol.HOST:
        admin.post(protocol.HOSTS, json={"metadata": {"uid": "c-9"}})
        return "/v1/edgehosts/c-9"
    if path == protocol.TAG_FILTER:
        made = admin.post(protocol.TAG_FILTERS, json={**_FILTER, **name}).json()
        return f"{protocol.TAG_FILTERS}/{made['uid']}"
    if path.startswith("/v1/registries"):
        collection = protocol.OCI_REGISTRIES if "/oci/" in path else protocol.HELM_REGISTRIES
        body = _oci(f"delete {path}") if "/oci/" in path else _helm(f"delete {path}")
        return path.replace("{uid}", admin.post(collection, json=body).json()["uid"])
    if path in (protocol.USER, protocol.SSH_KEY):
        name["spec"] = {"emailId": "delete@example.com"} if path == protocol.USER else {"publicKey": ssh_key(3)}
    for collection in (protocol.TOKENS, protocol.API_KEYS, protocol.USERS, protocol.SSH_KEYS, "/v1/projects"):
        if path == collection + "/{uid}":
            return f"{collection}/{admin.post(collection, json=name).json()['uid']}"
    return filled


ROUTES = sorted(
    {(route.method, route.path) for route in table(ServeOptions(data=__file__)) if route.path.startswith("/v1/")}  # type: ignore[arg-type]
    - {("GET", path) for path in UNDOCUMENTED}
)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{method} {path}" for method, path in ROUTES])
def test_operation(plane: RunningHub, edge_subset: dict[str, Any], method: str, path: str) -> None:
    described = edge_subset["paths"].get(path, {}).get(method.lower())
    assert described is not None, f"{method} {path} is not an operation of Palette"
    answer = _call(plane, method, path)
    if path in NOTHING_YET:
        assert (answer.status_code, answer.json()["code"]) == (404, NOTHING_YET[path])
        return
    code, response = next(iter(described["responses"].items()))
    assert str(answer.status_code) == code, answer.text
    for header in response.get("headers", {}):
        assert header in answer.headers
    if "schema" not in response:
        assert answer.content == b""
        return
    if response["schema"].get("format") == "binary":
        assert answer.content and answer.headers["content-type"] == "application/octet-stream"
        return
    assert answer.headers["content-type"] == "application/json"
    errors = [error.message for error in _schema(edge_subset, response["schema"]).iter_errors(answer.json())]
    assert not errors
    for moment in re.findall(r'"[A-Za-z]*(?:[Tt]imestamp|expiry)":"([^"]*)"', answer.text):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)


def test_terraform_provider_start(plane: RunningHub) -> None:
    items = plane.client(Apikey=plane.admin_key).get("/v1/dashboard/projects/metadata").json()["items"]
    assert any(item["metadata"]["uid"] for item in items)


def test_terraform_registration_token(plane: RunningHub) -> None:
    admin = plane.client()
    project = _uid(plane, "projects")
    zero = "0001-01-01T00:00:00.000Z"
    meta = {"name": "tf", "annotations": {"description": ""}, "creationTimestamp": zero, "uid": "", "labels": None}
    sent = {"metadata": meta, "spec": {"defaultProjectUid": project, "expiry": "2030-01-01T00:00:00.000Z"}}
    uid = admin.post("/v1/edgehosts/tokens", json=sent).json()["uid"]
    found = [item for item in admin.get("/v1/edgehosts/tokens").json()["items"] if item["metadata"]["name"] == "tf"]
    assert found[0]["metadata"]["uid"] == uid and found[0]["status"]["isActive"] is True
    assert found[0]["spec"]["token"] and found[0]["spec"]["expiry"] == "2030-01-01T00:00:00.000Z"
    assert admin.put(f"/v1/edgehosts/tokens/{uid}/state", json={"isActive": True}).status_code == 204


def test_terraform_appliance(plane: RunningHub) -> None:
    admin = plane.client(Apikey=plane.admin_key, Projectuid=_uid(plane, "projects"))
    meta = {"name": "tf-1", "uid": "tf-1", "labels": {"site": "a"}}
    made = admin.post("/v1/edgehosts", json={"metadata": meta, "spec": {"hostPairingKey": "", "archType": "amd64"}})
    assert (made.status_code, made.json()) == (201, {"uid": "tf-1"})

    def state() -> str:
        status = admin.get("/v1/edgehosts/tf-1?resolvePackValues=false").json()["status"]
        return f"{status['state']}_{status['health'].get('state', '')}"

    assert state() == "unpaired_"
    host = plane.host("tf-1", plane.token("tf-1")[1])
    assert state() == "ready_"
    host.patch("/v1/edgehosts/tf-1/health", json={"state": "healthy"})
    assert state() == "ready_healthy"
    new = {"metadata": {"name": "tf-1", "uid": "tf-1", "labels": {"site": "a", "bare": "spectro__tag"}}}
    assert admin.put("/v1/edgehosts/tf-1/meta", json=new).status_code == 204
    tunnel = {"remoteSsh": "disabled", "remoteSshTempUser": "disabled"}
    assert admin.patch("/v1/edgehosts/tf-1/tunnelConfig", json=tunnel).status_code == 204
    read = admin.get("/v1/edgehosts/tf-1").json()
    assert read["metadata"]["labels"] == new["metadata"]["labels"]
    assert read["spec"]["tunnelConfig"] == tunnel and read["spec"]["device"]["archType"] == "amd64"
    assert {"site:a", "bare"} <= set(admin.get("/v1/edgehosts/tags").json()["tags"])
    search = {
        "filter": {
            "conjunction": "and",
            "filterGroups": [
                {
                    "conjunction": "and",
                    "filters": [
                        {"property": name, "type": "string", "condition": {"string": {
                            "match": {"conjunction": "or", "values": [value]}, "operator": "eq"}}}
                        for name, value in (("tags", "site:a"), ("state", "ready"), ("healthState", "healthy"))
                    ],
                }
            ],
        },
        "sort": None,
    }  # fmt: skip
    found = admin.post("/v1/dashboard/edgehosts/search", json=search).json()
    assert [item["metadata"]["uid"] for item in found["items"]] == ["tf-1"]
    assert found["listmeta"]["continue"] == ""
    assert admin.delete("/v1/edgehosts/tf-1").status_code == 204
    gone = admin.get("/v1/edgehosts/tf-1")
    assert (gone.status_code, gone.json()["code"]) == (404, "ResourceNotFound")


def test_pages_of_the_search(plane: RunningHub) -> None:
    admin = plane.client()
    for number in range(60):
        admin.post("/v1/edgehosts", json={"metadata": {"uid": f"page-{number:02d}"}})
    over = admin.post("/v1/dashboard/edgehosts/search?limit=100", json={})
    message = "limit in query should be less than or equal to 50"
    assert (over.status_code, over.json()) == (422, {"code": 608, "message": message})
    seen: list[str] = []
    token = ""
    while True:
        page = admin.post("/v1/dashboard/edgehosts/search", json={}, params={"continue": token} if token else {}).json()
        seen += [item["metadata"]["uid"] for item in page["items"]]
        token = page["listmeta"]["continue"]
        if not token:
            break
    assert len(seen) == len(set(seen)) == page["listmeta"]["count"]
    big = {protocol.H_PAGE_LIMIT: "1000"}
    whole = admin.post("/v1/dashboard/edgehosts/search?limit=1000", json={}, headers=big).json()
    assert [item["metadata"]["uid"] for item in whole["items"]] == seen
    bad = admin.post("/v1/dashboard/edgehosts/search?continue=nonsense", json={})
    assert (bad.status_code, bad.json()["code"]) == (400, "RequestError")
    sort = admin.post("/v1/dashboard/edgehosts/search", json={"sort": [{"field": "memory", "order": "asc"}]})
    assert sort.status_code == 422


def test_unknown_properties_are_kept_and_null_is_nothing(plane: RunningHub) -> None:
    sent = {
        "METADATA": {"UID": "odd-1", "labels": None, "annotations": None, "novel": {"a": [1]}},
        "spec": {"archType": None, "HostPairingKey": None, "future": {"B": None}},
        "brandNew": 7,
    }
    assert plane.client().post("/v1/edgehosts", json=sent).status_code == 201
    read = plane.client().get("/v1/edgehosts/odd-1").json()
    assert read["metadata"]["novel"] == {"a": [1]} and read["spec"]["future"] == {"B": None} and read["brandNew"] == 7
    assert read["metadata"]["labels"] == {} and read["spec"]["device"]["archType"] == "amd64"


def test_simulated_palette_is_narrow() -> None:
    with running_hub("--simulate-palette-limits") as hub:
        admin = hub.client()
        assert admin.get("/edgewright/v1/features").status_code == 404
        assert admin.get("/edgewright/v1/changes").status_code == 404
        big = {protocol.H_PAGE_LIMIT: "1000"}
        assert admin.post("/v1/dashboard/edgehosts/search?limit=100", json={}, headers=big).json()["code"] in (608, 429)
        codes = [admin.get("/v1/dashboard/projects/metadata").status_code for _ in range(90)]
        assert set(codes) == {200, 429}
