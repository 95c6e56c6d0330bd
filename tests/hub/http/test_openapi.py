"""The description of the API: complete, valid, and true of the handlers and of what a running hub answers."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from edgewright.hub.http import openapi
from edgewright.hub.http.routing import Access, Route
from edgewright.hub.http.shapes import Shape
from edgewright.hub.process import compose
from edgewright.hub.process.options import ServeOptions
from edgewright.packs import archive
from edgewright.wire import protocol
from tests.hub.clusters.calls import own_calls
from tests.hub.http import profile_calls
from tests.hub.packs.sources import added as with_registry
from tests.hub.packs.sources import oci_body
from tests.hub.packs.test_packs import upload
from tests.hub.people import invited
from tests.hub.plain_calls import plain_calls
from tests.hub_fixture import RunningHub, running_hub
from tests.oci.raw_server import RawServer, give
from tests.packs.samples import pack_files
from tests.support import ROOT, palette_tables
from tools import write_openapi
from tools.palette_answers import OUT, answers

TABLE = compose.table(ServeOptions(data=ROOT))
DOCUMENT = openapi.document(TABLE)
NAMES = [f"{route.method} {route.path}" for route in TABLE]
OWN = sorted(name for name in NAMES if protocol.PREFIX in name)


def _operation(route: Route) -> dict[str, Any]:
    described: dict[str, Any] = DOCUMENT["paths"][route.path.replace(":path}", "}")][route.method.lower()]
    return described


def _values(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _values(inner, key)


@pytest.mark.parametrize("route", TABLE, ids=NAMES)
def test_each_route_is_described(route: Route) -> None:
    described = _operation(route)
    named = {(one["in"], one["name"]) for one in described["parameters"] if "name" in one}
    path = {("path", name) for name in re.findall(r"{(\w+)", route.path)}
    assert named == path | {("query", name) for name in route.query} | {("header", name) for name in route.headers}
    assert ("requestBody" in described) == (route.body is not None)
    assert described["x-access"] == route.access.value and described["summary"].endswith((".", ")"))
    by_role = route.access not in (Access.OPEN, Access.HOST)
    assert described.get("x-access-on") == (route.on.value if by_role else None)
    assert (described["security"] == []) == (route.access is Access.OPEN)
    success = [code for code in described["responses"] if code[0] == "2" or code == "501"]
    assert len(success) == 1
    if success[0] not in ("202", "204", "501"):
        assert described["responses"][success[0]]["content"]


def test_the_document_is_closed_and_its_schemas_are_valid() -> None:
    for reference in _values(DOCUMENT, "$ref"):
        target: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    operations = [_operation(route) for route in TABLE]
    assert len({operation["operationId"] for operation in operations}) == len(TABLE)
    parts: list[Any] = [*DOCUMENT["components"]["schemas"].values()]
    for operation in operations:
        parts += [one["schema"] for one in operation["parameters"] if "schema" in one]
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            parts += [media["schema"] for media in body.get("content", {}).values()]
    for schema in parts:
        Draft202012Validator.check_schema(schema)
    used = set(_values(DOCUMENT["paths"], "$ref")) | set(_values(DOCUMENT["components"], "$ref"))
    assert {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]} <= used


def test_what_a_body_must_have_is_described() -> None:
    shown = _operation(next(route for route in TABLE if route.path == protocol.RECEIVERS and route.method == "POST"))
    assert shown["requestBody"]["content"]["application/json"]["schema"]["required"] == ["name", "kind"]
    assert shown["requestBody"]["required"] is True


def test_palettes_answers_are_those_of_the_contract_tables() -> None:
    assert OUT.read_text(encoding="utf-8") == answers(), "run tools/palette_answers.py"


def _source(route: Route) -> str:
    """Return the source of a handler and of the functions of its module that it calls."""
    module = sys.modules[route.handler.__module__]
    seen: dict[str, str] = {}
    waiting = [route.handler.__name__]
    while waiting:
        name = waiting.pop()
        function = vars(module).get(name)
        if name in seen or not inspect.isfunction(function):
            continue
        seen[name] = inspect.getsource(function)
        calls = [node.func for node in ast.walk(ast.parse(seen[name])) if isinstance(node, ast.Call)]
        waiting += [call.id for call in calls if isinstance(call, ast.Name)]
    return "\n".join(seen.values())


@pytest.mark.parametrize("route", TABLE, ids=NAMES)
def test_what_a_handler_reads_is_declared(route: Route) -> None:
    source = _source(route)
    reads = "call.body(" in source or "call.raw_body(" in source
    assert reads == (route.body is not None)
    query = set(re.findall(r'(?:query_params\.get|call\.choice)\("(\w+)"', source))
    query |= {"limit", "offset", "continue"} if re.search(r"call\.page\(|\bnewest\(", source) else set()
    query |= {"orderBy"} if re.search(r"\bnewest\(", source) else set()
    assert query <= route.query.keys()


_KINDS = {
    "text": {"string"}, "when": {"string"}, "integer": {"integer"}, "number": {"number", "integer"},
    "flag": {"boolean"}, "list": {"array"}, "object": {"object"}, "map": {"object"},
}  # fmt: skip


def _disagreements(shape: Shape, schema: dict[str, Any], where: str) -> Iterator[str]:
    """Yield where a shape is not what the contract tables have; `edgewright` is our own part of a body."""
    while "$ref" in schema:
        schema = palette_tables()["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    kind = schema.get("type") or ("object" if "properties" in schema else "")
    if shape.kind == "any" or not kind:
        return
    if kind not in _KINDS[shape.kind]:
        yield f"{where}: {shape.kind} for {kind}"
    if shape.enum and "enum" in schema and set(shape.enum) != set(schema["enum"]):
        yield f"{where}: {shape.enum} for {schema['enum']}"
    if shape.kind == "list" and shape.item is not None:
        yield from _disagreements(shape.item, schema["items"], f"{where}[]")
    for name, inner in shape.fields.items():
        if name in schema.get("properties", {}):
            yield from _disagreements(inner, schema["properties"][name], f"{where}.{name}")
        elif name != "edgewright":
            yield f"{where}.{name}: not in the tables"


MORE_QUERY = {"/v1/audits": {"orderBy"}}
"""What the hub reads beyond Palette."""
_META = re.compile(r"\.metadata\.\w+: not in the tables")
"""Some of Palette's bodies have a part of the metadata; the hub reads all of it everywhere."""


@pytest.mark.parametrize(
    "route",
    [route for route in TABLE if route.path.startswith("/v1/")],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_bodies_and_queries_are_palettes(route: Route) -> None:
    facts = palette_tables()["paths"].get(route.path, {}).get(route.method.lower(), {"parameters": []})
    parameters = facts.get("parameters", [])
    body = next((one["schema"] for one in parameters if one["in"] == "body"), None)
    found = list(_disagreements(route.body, body, f"{route.method} {route.path}")) if route.body and body else []
    assert [one for one in found if not _META.search(one)] == []
    known = {one["name"] for one in parameters if one["in"] == "query"}
    assert route.query.keys() <= known | MORE_QUERY.get(route.path, set())


@pytest.fixture(scope="module")
def plane() -> Iterator[RunningHub]:
    with running_hub() as hub:
        yield hub


def _strict(schema: Any) -> Any:
    """Return a schema under which every property must be there and no other."""
    if isinstance(schema, list):
        return [_strict(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _strict(inner) for key, inner in schema.items()}
    if isinstance(schema.get("properties"), dict):
        result["additionalProperties"] = False
    return result


def _answered(plane: RunningHub) -> Iterator[tuple[str, httpx.Response]]:
    """Yield an answer of each operation of the hub's own API."""
    admin = plane.client()
    macros = protocol.path(protocol.TENANT_MACROS, tenantUid=admin.get(protocol.USERS_INFO).json()["tenantUid"])
    admin.post(macros, json={"macros": [{"name": "site", "value": "north"}]}).raise_for_status()
    code = {"code": invited(plane, "viewer")[2]}
    yield f"POST {protocol.ACTIVATIONS}", plane.anonymous().post(protocol.ACTIVATIONS, json=code)
    token, text = plane.token("described")
    host = plane.host("d-1", text)
    base, host_path = protocol.PREFIX, protocol.PREFIX + "/hosts/d-1"
    at = "/edgewright/v1/hosts/{uid}"
    made = admin.post(f"{host_path}/operations", json={"kind": "collect-logs"})
    operation = made.json()["uid"]
    yield f"POST {at}/operations", made
    lines = {"operationId": operation, "offset": 0, "lines": ["a"], "last": True}
    yield f"POST {at}/logs", host.post(f"{host_path}/logs", json=lines)
    yield f"GET {at}/logs", admin.get(f"{host_path}/logs", params={"operationId": operation})
    done: dict[str, object] = {
        "state": "succeeded",
        "message": "m",
        "finishedAt": "2026-01-01T00:00:00.000Z",
        "generation": 1,
    }
    one = f"{host_path}/operations/{operation}"
    done["checks"] = [{"id": "swap", "state": "failed", "text": "on", "next": "swapoff -a"}]
    yield f"POST {at}/operations/{{operationId}}/result", host.post(f"{one}/result", json=done)
    yield f"GET {at}/operations/{{operationId}}", admin.get(one)
    yield f"GET {at}/operations", admin.get(f"{host_path}/operations")
    yield f"GET {base}/operations", admin.get(f"{base}/operations")
    intent = {"id": "0" * 24, "field": "labels", "base": {"generation": 1}, "value": {}}
    yield f"POST {at}/intents", host.post(f"{host_path}/intents", json=intent)
    yield f"GET {at}/intents", admin.get(f"{host_path}/intents")
    yield f"GET {at}/wake", host.get(f"{host_path}/wake", params={"generation": 0})
    yield f"GET {base}/tokens/{{uid}}/hosts", admin.get(f"{base}/tokens/{token}/hosts")
    for name in ("features", "status", "alerts", "handling", "receivers", "openapi.json"):
        if name == "alerts":
            plane.register("d-2", "ewt_wrong")
        if name == "handling":
            update = admin.patch(f"{base}/handling/host%2Fd-1%2Fx", json={"note": "n", "acknowledged": True})
            yield f"PATCH {base}/handling/{{key:path}}", update
        if name == "receivers":
            hook = {"name": "described", "kind": "webhook", "webhook": {"url": "http://127.0.0.1:9"}}
            webhook = admin.post(f"{base}/receivers", json=hook)
            yield f"POST {base}/receivers", webhook
            yield f"GET {base}/receivers/{{uid}}", admin.get(f"{base}/receivers/{webhook.json()['uid']}")
            email = {"to": ["a@example.com"], "from": "b@example.com", "host": "127.0.0.1", "tls": "none"}
            added = admin.post(f"{base}/receivers", json={"name": "mail", "kind": "email", "email": email})
            receiver = f"{base}/receivers/{added.json()['uid']}"
            yield f"GET {base}/receivers/{{uid}}", admin.get(receiver)
        yield f"GET {base}/{name}", admin.get(f"{base}/{name}")
    yield f"POST {base}/receivers/{{uid}}/test", admin.post(f"{receiver}/test")
    yield f"PATCH {base}/receivers/{{uid}}", admin.patch(receiver, json={"active": False})
    yield f"DELETE {base}/receivers/{{uid}}", admin.delete(receiver)
    content = b"{}"
    blob = f"{base}/blobs/{hashlib.sha256(content).hexdigest()}"
    yield f"PUT {base}/blobs/{{digest}}", admin.put(blob, content=content)
    yield f"GET {base}/blobs/{{digest}}", admin.get(blob)
    server = RawServer(give("200 OK", b'{"repositories": []}'))
    uid, _ = with_registry(admin, oci_body(server.host), protocol.OCI_REGISTRIES)
    server.close()
    yield f"GET {protocol.REGISTRIES}", admin.get(protocol.REGISTRIES)
    yield f"GET {protocol.REGISTRY}", admin.get(f"{protocol.REGISTRIES}/{uid}")
    imported = admin.post(protocol.OWN_PACKS, json={"blob": upload(admin, archive.pack(pack_files()))})
    yield f"POST {protocol.OWN_PACKS}", imported
    pack = f"{protocol.OWN_PACKS}/{imported.json()['uid']}"
    yield f"GET {protocol.OWN_PACKS}", admin.get(protocol.OWN_PACKS)
    yield f"GET {protocol.OWN_PACK}", admin.get(pack)
    yield f"POST {protocol.PACK_CONTENT}", admin.post(f"{pack}/content")
    yield f"DELETE {protocol.OWN_PACK}", admin.delete(pack)
    for method, path in (("POST", protocol.OWN_PROFILES_APPLY), ("GET", protocol.OWN_PROFILE_IMAGES)):
        yield f"{method} {path}", profile_calls.call(plane, method, path)
    yield from own_calls(plane)
    with admin.stream("GET", f"{base}/changes") as stream:
        yield f"GET {base}/changes", stream


def _every_answer(plane: RunningHub) -> Iterator[tuple[str, httpx.Response]]:
    """Yield an answer of each operation; those of plain resources are called by their shapes."""
    named = set()
    for name, answer in _answered(plane):
        named.add(name)
        yield name, answer
    rest = [route for route in TABLE if f"{route.method} {route.path}" in set(OWN) - named]
    for call in plain_calls(plane.client(), rest):
        yield f"{call.method} {call.path}", call.response


def test_the_hub_answers_as_described(plane: RunningHub) -> None:
    """Each property of an answer is described, and each described one of the right type; none is missing in all."""
    missing: dict[str, set[str]] = {}
    seen = []
    for name, answer in _every_answer(plane):
        seen.append(name)
        route = next(route for route in TABLE if f"{route.method} {route.path}" == name)
        described = _operation(route)["responses"]
        assert str(answer.status_code) in described, f"{name}: {answer.status_code}"
        content = described[str(answer.status_code)].get("content", {})
        if not content:
            assert answer.status_code == 501 or not answer.content
            continue
        assert answer.headers["content-type"].split(";")[0] in content, name
        if "application/json" in content and answer.json() is not None:
            schema = _strict(content["application/json"]["schema"])
            errors = Draft202012Validator(schema).iter_errors(answer.json())
            assert [f"{error.json_path}: {error.message}" for error in errors] == [], name
            if name != f"GET {protocol.OPENAPI}":
                missing[name] = missing.get(name, set(_names_of(schema))) - set(_names(answer.json()))
    assert sorted(set(seen)) == OWN
    assert {name: names for name, names in missing.items() if names} == {}


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner)


def _names_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict) and schema:
        yield from schema.get("properties", {})
        for inner in (*schema.get("properties", {}).values(), schema.get("items", {})):
            yield from _names_of(inner)


def test_who_may_read_the_description(plane: RunningHub) -> None:
    assert plane.anonymous().get(protocol.OPENAPI).status_code == 401
    viewer = plane.viewer().get(protocol.OPENAPI)
    assert viewer.status_code == 200 and viewer.json() == DOCUMENT


def test_a_simulated_palette_does_not_describe_itself() -> None:
    offered = {route.path for route in compose.table(ServeOptions(data=ROOT, simulate_palette=True))}
    assert protocol.OPENAPI not in offered


def test_the_tool_writes_the_same(tmp_path: Path) -> None:
    target = tmp_path / "openapi.json"
    assert write_openapi.main([str(target)]) == 0
    assert json.loads(target.read_text(encoding="utf-8")) == DOCUMENT
    assert write_openapi.main([str(tmp_path / "missing" / "openapi.json")]) == 1
