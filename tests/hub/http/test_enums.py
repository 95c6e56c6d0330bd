"""Every enum of Palette's description that a request of the hub can carry: a value outside it is refused (422, 606)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from edgewright.wire import protocol
from tests.hub.http import profile_calls
from tests.hub.http.test_contract import ROUTES, _fill
from tests.hub_fixture import RunningHub, running_hub

WRONG = "banana"
HOST: dict[str, str] = {}
"""Credential of the host c-1 by the address of its hub."""


@pytest.fixture(scope="module")
def plane() -> Iterator[RunningHub]:
    with running_hub() as hub:
        hub.client().post(protocol.PROFILES, json=profile_calls.body("enums")).raise_for_status()
        HOST[hub.url] = hub.host("c-1", hub.token("enums")[1]).headers["Authorization"]
        yield hub


def resolve(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = spec["definitions"][schema["$ref"].rpartition("/")[2]]
    return schema


def enums(spec: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Iterator[Any]:
    """Yield bodies that have one wrong value in the place of an enum each."""
    schema = resolve(spec, schema)
    if "enum" in schema and schema.get("type") == "string":
        yield WRONG
    elif schema.get("type") == "array":
        for inner in enums(spec, schema["items"], depth + 1):
            yield [inner]
    elif depth < 12:
        for name, part in (schema.get("properties") or {}).items():
            for inner in enums(spec, part, depth + 1):
                yield {name: inner}


def requests(spec: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, str], Any]]:
    """Yield method, path of the description, path to call, query and body of each request with one wrong enum."""
    for method, path in ROUTES:
        operation = spec["paths"][path][method.lower()]
        for parameter in [*spec["paths"][path].get("parameters", []), *operation.get("parameters", [])]:
            name, place = parameter.get("name"), parameter.get("in")
            if place == "path" and "enum" in parameter:
                yield method, path, path.replace("{" + name + "}", WRONG), {}, None
            elif place == "query" and ("enum" in parameter or "enum" in parameter.get("items", {})):
                yield method, path, path, {name: WRONG}, None
            elif place == "body":
                for body in enums(spec, parameter["schema"]):
                    yield method, path, path, {}, body


def send(hub: RunningHub, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response:
    own = path.endswith(("/health", "/tunnelStatus"))  # of the host itself
    client = hub.client(Authorization=HOST[hub.url]) if own else hub.client()
    return client.request(method, _fill(hub, path), params=query, json=body)


def not_read(path: str, body: Any) -> bool:
    """Tell whether the hub ignores what is sent (`status` of a host, P19) or does not know it and stores it (P2)."""
    if path not in ("/v1/edgehosts/{uid}", "/v1/edgehosts/register") or not isinstance(body, dict):
        return False
    return "status" in body or bool({"clusterProfileTemplates", "properties"} & set(body.get("spec") or {}))


def test_an_unknown_enum_value_is_refused(plane: RunningHub, edge_subset: dict[str, Any]) -> None:
    taken, asked = [], 0
    for method, path, filled, query, body in requests(edge_subset):
        if path == "/v1/services/{serviceName}/version" or not_read(path, body):
            continue  # a service that is not there: 404
        asked += 1
        answer = send(plane, method, filled, query, body)
        code = answer.json()["code"] if answer.status_code >= 400 else 0
        if (answer.status_code, code) not in ((422, 606), (422, 602)):  # 602: what is required beside it is not sent
            taken.append((method, path, query, body, answer.status_code, answer.text[:200]))
    assert taken == [], "\n".join(map(str, taken))
    assert asked > 30


def test_what_the_enums_allow_is_taken(plane: RunningHub) -> None:
    admin = plane.client()
    assert admin.get("/v1/events/components/edgehost/c-1").json()["items"]
    assert admin.get("/v1/events/components/EdgeHost/c-1").json()["items"]
    assert admin.get("/v1/events/components/spectrocluster/none").json()["items"] == []
    assert (
        len(admin.get("/v1/edgehosts/metadata?type=edge-native&quickFilter=unusedEdgeHosts").json()["edgeHosts"]) == 1
    )
    assert admin.get("/v1/edgehosts/metadata?type=vsphere").json()["edgeHosts"] == []
    body = {"filter": {"states": ["ready"], "name": None}, "sort": [{"field": "state", "order": "desc"}]}
    assert len(admin.post("/v1/dashboard/appliances/metadata", json=body).json()["items"]) == 1
    body = {"sort": [{"field": "creationTimestamp", "order": "asc"}]}
    assert admin.post("/v1/dashboard/projects", json=body).status_code == 200


def test_users_and_teams_of_a_project_have_their_shape(plane: RunningHub) -> None:
    admin = plane.client()
    for spec in ({"users": [{"roles": 0.9}]}, {"teams": [{"teamId": 1}]}, {"users": [7]}, {"users": [{"roles": [1]}]}):
        refused = admin.post("/v1/projects", json={"metadata": {"name": "shaped"}, "spec": spec})
        assert (refused.status_code, refused.json()["code"]) == (422, 601), spec
    good: dict[str, Any] = {
        "users": [{"userId": "u", "roles": ["r"], "more": 1}],
        "teams": [{"teamId": "t", "roles": None}],
    }
    made = admin.post("/v1/projects", json={"metadata": {"name": "shaped"}, "spec": good})
    stored = admin.get(f"/v1/projects/{made.json()['uid']}").json()["spec"]
    assert stored["users"] == [{"userId": "u", "roles": ["r"], "more": 1}] and stored["teams"] == [{"teamId": "t"}]


def test_p32_a_limit_above_the_maximum_is_the_maximum_but_in_the_search(plane: RunningHub) -> None:
    admin = plane.client()
    for method, path in (("POST", "/v1/dashboard/projects"), ("GET", "/v1/events/components"), ("GET", "/v1/audits")):
        body: dict[str, Any] | None = {} if method == "POST" else None
        for limit in ("100", "51", "9" * 30):
            page = admin.request(method, path, params={"limit": limit}, json=body)
            assert (page.status_code, page.json()["listmeta"]["limit"]) == (200, 50), (path, limit)
        assert admin.request(method, path, params={"limit": "-1"}, json=body).json()["code"] == 609
        big = admin.request(
            method, path, params={"limit": "5000"}, json=body, headers={"Edgewright-Page-Limit": "1000"}
        )
        assert big.json()["listmeta"]["limit"] == 1000
    assert admin.post("/v1/dashboard/edgehosts/search", params={"limit": "51"}, json={}).json()["code"] == 608
