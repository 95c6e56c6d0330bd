"""The OpenAPI 3.1 description of the hub, made from its routes and shapes.

What the hub reads comes from each route's shapes, what Palette's operations answer from `palette_answers.json`
(written by tools/palette_bodies.py from the contract tables).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import edgewright
from edgewright.hub.http.routing import Access, Route
from edgewright.hub.http.shapes import Shape
from edgewright.wire import protocol

Json = dict[str, Any]
_PALETTE = Path(__file__).with_name("palette_answers.json")
_TYPES = {"text": "string", "integer": "integer", "number": "number", "flag": "boolean", "when": "string"}
PROBLEM: Json = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": ["string", "integer"]},
        "message": {"type": "string"},
        "details": {"type": "object"},
        "ref": {"type": "string"},
    },
}
_USERS: list[Json] = [{"ApiKey": []}, {"Session": []}]
_SECURITY: dict[Access, list[Json]] = {
    Access.OPEN: [],
    Access.READ: _USERS,
    Access.OPERATE: _USERS,
    Access.WRITE: _USERS,
    Access.HOST: [{"Host": []}],
}
_SCHEMES: Json = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "ApiKey"},
    "Session": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "Host": {"type": "apiKey", "in": "header", "name": "Authorization"},
}
_REFUSALS = {
    400: "not valid JSON, or a request that makes no sense",
    401: "no credential, or a wrong one",
    403: "the role or the scope does not allow it",
    404: "not found",
    413: "the body is larger than this hub reads",
    422: "a value breaks its shape",
}


def schema_of(shape: Shape, *, bounded: bool = True) -> Json:
    """Return the JSON Schema of a shape; `bounded` for what is read, where limits are refused when exceeded."""
    schema: Json = {}
    if shape.kind == "object":
        fields = {name: schema_of(inner, bounded=bounded) for name, inner in shape.fields.items()}
        schema = {"type": "object", "properties": fields}
        if shape.required:
            schema["required"] = list(shape.required)
    elif shape.kind == "map":
        schema = {
            "type": "object",
            "additionalProperties": schema_of(shape.item, bounded=bounded) if shape.item else {},
        }
        if bounded:
            schema["maxProperties"] = shape.limit
    elif shape.kind == "list":
        schema = {"type": "array", "items": schema_of(shape.item, bounded=bounded) if shape.item else {}}
        if bounded:
            schema["maxItems"] = shape.limit
    elif shape.kind != "any":
        schema = {"type": _TYPES[shape.kind]}
        if shape.kind == "when":
            schema["format"] = "date-time"
        elif shape.enum:
            schema["enum"] = list(shape.enum)
        elif shape.kind == "text" and bounded:
            schema["maxLength"] = shape.limit
    if shape.nullable and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema


@functools.cache
def _palette() -> Json:
    loaded: Json = json.loads(_PALETTE.read_text(encoding="utf-8"))
    return loaded


def _operation_id(route: Route) -> str:
    parts = re.findall(r"[A-Za-z0-9]+", route.path.removeprefix(protocol.PREFIX).removeprefix("/v1"))
    own = "edgewright" if route.path.startswith(protocol.PREFIX) else ""
    name = route.method.lower() + own.capitalize() + "".join(part[0].upper() + part[1:] for part in parts)
    return name.replace("Path", "") if ":path" in route.path else name


def _path(route: Route) -> str:
    return route.path.replace(":path}", "}")


def _parameters(route: Route) -> list[Json]:
    matches = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", _path(route))
    ]
    matches += [{"name": name, "in": "query", "schema": schema_of(shape)} for name, shape in route.query.items()]
    matches += [{"name": name, "in": "header", "schema": {"type": "string"}} for name in route.headers]
    if route.access is not Access.OPEN and route.access is not Access.HOST:
        matches.append({"$ref": "#/components/parameters/ProjectUid"})
    return matches


def _success(route: Route) -> tuple[str, Json]:
    """Return code and response of success: the route's own, else Palette's."""
    known = _palette()["operations"].get(f"{route.method} {route.path}") if not route.returns else None
    if known is not None:
        response: Json = {"description": "success"}
        if "schema" in known:
            response["content"] = {"application/json": {"schema": known["schema"]}}
        if known.get("headers"):
            response["headers"] = {name: {"schema": {"type": "string"}} for name in known["headers"]}
        return known["status"], response
    status = route.status or (200 if route.returns else 204)
    if route.returns is None:
        return str(status), {"description": "success" if status < 400 else "not there yet"}
    schema = schema_of(route.returns, bounded=False)
    return str(status), {"description": "success", "content": {route.media: {"schema": schema}}}


def operation(route: Route) -> Json:
    """Return the description of one route."""
    status, response = _success(route)
    responses = {status: response}
    refusals = {422: bool(route.query or route.body), 400: route.body is not None, 413: route.body is not None}
    refusals[404] = "{" in route.path
    refusals[401] = refusals[403] = route.access is not Access.OPEN
    for code in sorted(code for code, applies in refusals.items() if applies):
        responses[str(code)] = {"$ref": f"#/components/responses/Refused{code}"}
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    both = [*_SECURITY[Access.HOST], *_USERS]
    described: Json = {
        "operationId": _operation_id(route),
        "summary": (route.handler.__doc__ or "").strip().split("\n")[0],
        "tags": [next((part for part in route.path.split("/") if part not in ("", "v1", "edgewright")), "hub")],
        "parameters": _parameters(route),
        "responses": responses,
        "security": _SECURITY.get(route.access, both),
        "x-access": route.access.value,
    }
    if route.access not in (Access.OPEN, Access.HOST):
        described["x-access-on"] = route.on.value
    if route.body is not None:
        described["requestBody"] = {"content": {route.sends: {"schema": schema_of(route.body)}}}
        if route.body.required:
            described["requestBody"]["required"] = True
    if route.guards_observed:
        described["x-refused-on-observed-hosts"] = True
    return described


def document(routes: Iterable[Route]) -> Json:
    """Return the entire description."""
    paths: dict[str, Json] = {}
    for route in sorted(routes, key=lambda route: (route.path, route.method)):
        paths.setdefault(_path(route), {})[route.method.lower()] = operation(route)
    refused = {
        f"Refused{code}": {"description": text, "content": {"application/json": {"schema": _ref("Problem")}}}
        for code, text in _REFUSALS.items()
    }
    problem = {"description": "not done", "content": {"application/json": {"schema": _ref("Problem")}}}
    schemas = {"Problem": PROBLEM, **_needed(paths, _palette()["schemas"])}
    project = {"name": protocol.H_PROJECT, "in": "header", "schema": {"type": "string"}}
    project["description"] = "The scope: the uid of one project; without it, all that the credential may see."
    return {
        "openapi": "3.1.0",
        "info": {"title": "Edgewright hub", "version": edgewright.__version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": {"ProjectUid": project},
            "responses": {"Problem": problem, **refused},
            "securitySchemes": _SCHEMES,
        },
    }


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _needed(value: Any, schemas: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schemas that a value refers to, directly or through others, by name."""
    matches: dict[str, Json] = {}
    waiting = [value]
    while waiting:
        for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(waiting.pop())):
            if name in schemas and name not in matches:
                matches[name] = schemas[name]
                waiting.append(schemas[name])
    return dict(sorted(matches.items()))
