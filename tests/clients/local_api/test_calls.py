"""The calls, their views and the samples of the stand-in agree with the description of the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from edgewright.clients.local_api.calls import EVERY, Call
from edgewright.clients.local_api.documents import Cluster, Settings
from edgewright.wire.fields import EachField, Field
from tests.clients.local_api.stand_in import ACCEPTED, HOST, SAMPLES
from tests.support import table

OPERATIONS, SHAPES = table("local-operations"), table("local-shapes")
IDS = [f"{call.method} {call.path}" for call in EVERY]


def answer_of(call: Call[Any]) -> dict[str, Any] | None:
    """Return the schema of a good answer; None where there is none."""
    responses = OPERATIONS[call.path][call.method.lower()]["responses"]
    good = next(each for status, each in responses.items() if status.startswith("2"))
    schema: dict[str, Any] | None = good.get("schema")
    return schema


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SHAPES[schema["$ref"].rpartition("/")[2]]
    return schema


def fields(view: type) -> Iterator[tuple[str, Any]]:
    for each in vars(view).values():
        if isinstance(each, Field | EachField):
            yield each.path, each


def missing(schema: dict[str, Any], view: type, at: str = "") -> Iterator[str]:
    """Yield the paths of a view that a schema does not have."""
    for path, field in fields(view):
        here: dict[str, Any] = resolved(schema)
        for part in path.split("."):
            if part not in here.get("properties", {}):
                yield f"{at}{path}"
                break
            here = resolved(here["properties"][part])
        else:
            if isinstance(field, EachField):
                yield from missing(here["items"], field.view, f"{at}{path}.")


@pytest.mark.parametrize("call", EVERY, ids=IDS)
def test_a_call_is_one_of_the_description(call: Call[Any]) -> None:
    operation = OPERATIONS[call.path][call.method.lower()]
    known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert set(call.query) <= known
    schema = answer_of(call)
    assert (schema is None and not list(fields(call.view))) or list(missing(schema or {}, call.view)) == []


def test_a_path_that_is_not_there_is_found() -> None:
    assert "spec.vip" in set(missing({"$ref": "#/definitions/v1Settings"}, Cluster))
    pools: dict[str, Any] = {"properties": {"status": {"properties": {"nodePools": {"items": {"properties": {}}}}}}}
    assert {"status.nodePools.nodes", "status.nodePools.pool.name"} <= set(missing(pools, Cluster))
    assert list(missing({"$ref": "#/definitions/v1Settings"}, Settings)) == []


@pytest.mark.parametrize("path", sorted(SAMPLES))
def test_a_sample_has_the_shape_of_the_description(path: str) -> None:
    call = next(each for each in EVERY if each.path == path and each.method == "GET")
    schema = {**(answer_of(call) or {}), "definitions": SHAPES}
    jsonschema.validate(SAMPLES[path], schema)


def test_what_is_accepted_has_the_shape_too() -> None:
    call = next(each for each in EVERY if each.path == f"{HOST}/generate-logs")
    jsonschema.validate(ACCEPTED, {**(answer_of(call) or {}), "definitions": SHAPES})
