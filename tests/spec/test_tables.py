"""The contract tables carry facts only, are closed and are written by their tool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, table
from tools.contract_tables import SCHEMA_FACTS, TABLES, kairos_keys, reduce, references, render

FILES = sorted(path.stem for path in (ROOT / "tests" / "spec").glob("*.json"))
_KEYS = {*SCHEMA_FACTS, "name", "in", "schema", "headers", "responses", "parameters", "consumes", "produces"}
_KEYS |= {"properties", "items", "additionalProperties", "allOf", "oneOf", "anyOf"}


def _keys(value: Any) -> Iterator[str]:
    """Yield the keys of schemas and operations, not the names of properties, status codes and paths."""
    if isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        yield key
        named = key in ("properties", "responses")
        for part in inner.values() if named else (inner,):
            yield from _keys(part)


@pytest.mark.parametrize("name", FILES)
def test_written_as_the_tool_writes(name: str) -> None:
    path = ROOT / "tests" / "spec" / f"{name}.json"
    assert path.read_text(encoding="utf-8") == render(json.loads(path.read_text(encoding="utf-8"))) + "\n"
    assert path.parent == TABLES


@pytest.mark.parametrize("api", ["palette", "local"])
def test_references_are_closed(api: str) -> None:
    operations, shapes = table(f"{api}-operations"), table(f"{api}-shapes")
    assert set(references(operations)) | set(references(shapes)) <= shapes.keys()


@pytest.mark.parametrize("api", ["palette", "local"])
def test_facts_only(api: str) -> None:
    for shape in table(f"{api}-shapes").values():
        assert set(_keys(shape)) <= _KEYS
    for methods in table(f"{api}-operations").values():
        assert set(_keys(list(methods.values()))) <= _KEYS


def test_reduction_of_a_description() -> None:
    """Texts go, also beside a property that is called `description`; a larger description adds its paths and shapes."""
    text = {"description": "Prose.", "title": "Prose", "example": "prose", "x-order": 3}
    get = {
        "summary": "Prose",
        "operationId": "v1Things",
        "parameters": [{"name": "limit", "in": "query", "type": "integer", **text}],
        "responses": {
            "200": {
                "description": "OK",
                "schema": {"$ref": "#/definitions/v1Thing"},
                "headers": {"B": text, "A": text},
            }
        },
    }
    shared = [
        {"name": "uid", "in": "path", "required": True, "type": "string"},
        {"name": "limit", "in": "query", "type": "string"},
    ]
    thing = {
        **text,
        "type": "object",
        "required": ["z", "a"],
        "properties": {
            "description": {"type": "string", **text},
            "z": {"type": "array", "items": {"$ref": "#/definitions/v1Part", **text}},
        },
    }
    description = {
        "paths": {"/v1/things/{uid}": {"get": get, "parameters": shared}},
        "definitions": {"v1Thing": thing, "v1Part": {"additionalProperties": {"type": "string", **text}}},
    }
    role = {"responses": {"200": {"schema": {"$ref": "#/definitions/v1Role"}}}}
    larger = {
        "paths": {"/v1/roles": {"get": role}, "/v1/other": {"get": role}},
        "definitions": {"v1Role": {"type": "object"}, "v1Unused": {"type": "object"}},
    }
    operations, shapes = reduce(description, larger)
    assert operations == {
        "/v1/things/{uid}": {
            "get": {
                "parameters": [
                    {"name": "uid", "in": "path", "required": True, "type": "string"},
                    {"name": "limit", "in": "query", "type": "integer"},
                ],
                "responses": {"200": {"schema": {"$ref": "#/definitions/v1Thing"}, "headers": ["A", "B"]}},
            }
        },
        "/v1/roles": {"get": role},
    }
    assert shapes == {
        "v1Thing": {
            "type": "object",
            "required": ["a", "z"],
            "properties": {
                "description": {"type": "string"},
                "z": {"type": "array", "items": {"$ref": "#/definitions/v1Part"}},
            },
        },
        "v1Part": {"additionalProperties": {"type": "string"}},
        "v1Role": {"type": "object"},
    }


def test_keys_of_a_cloud_config() -> None:
    bundles = {"type": "array", "items": {"$ref": "#/definitions/Bundle"}}
    schema = {
        "definitions": {"Bundle": {"type": "object", "properties": {"targets": {"type": "array"}}}},
        "properties": {"install": {"properties": {"bundles": bundles}}},
    }
    expected = {"install": "object", "install.bundles": "array", "install.bundles[].targets": "array"}
    assert kairos_keys(schema) == expected


def test_the_readme_names_every_table() -> None:
    text = Path(TABLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in FILES if f"`{name}.json`" not in text] == []


CALLED_BY_CLIENTS = """
GET /v1/registries/metadata
GET /v1/registries/pack/{uid}/sync/status
GET /v1/registries/pack/summary
GET /v1/registries/helm/summary
GET /v1/registries/oci/summary
GET /v1/packs
POST /v1/packs/search
GET /v1/packs/{packName}/registries/{registryUid}
GET /v1/packs/{uid}
POST /v1/clusterprofiles
GET /v1/clusterprofiles/{uid}
PUT /v1/clusterprofiles/{uid}
DELETE /v1/clusterprofiles/{uid}
PATCH /v1/clusterprofiles/{uid}/publish
PATCH /v1/clusterprofiles/{uid}/metadata
GET /v1/clusterprofiles/{uid}/variables
PUT /v1/clusterprofiles/{uid}/variables
POST /v1/clusterprofiles/{uid}/packs
GET /v1/clusterprofiles/{uid}/packs/{packName}/manifests
POST /v1/dashboard/clusterprofiles
GET /v1/dashboard/clusterprofiles/metadata
POST /v1/spectroclusters/edge-native
POST /v1/spectroclusters/edge-native/validate
GET /v1/spectroclusters/{uid}
DELETE /v1/spectroclusters/{uid}
PATCH /v1/spectroclusters/{uid}/metadata
PUT /v1/spectroclusters/{uid}/profiles
PATCH /v1/spectroclusters/{uid}/profiles
GET /v1/spectroclusters/{uid}/variables
GET /v1/spectroclusters/{uid}/assets/kubeconfig
GET /v1/spectroclusters/{uid}/assets/kubeconfigclient
GET /v1/spectroclusters/{uid}/assets/adminKubeconfig
GET /v1/spectroclusters/{uid}/features/backup
GET /v1/spectroclusters/{uid}/features/complianceScan
GET /v1/spectroclusters/{uid}/config/rbacs
GET /v1/spectroclusters/{uid}/config/namespaces
PATCH /v1/spectroclusters/{uid}/repave/approve
POST /v1/dashboard/spectroclusters/search
GET /v1/dashboard/spectroclusters/{uid}/overview
GET /v1/cloudconfigs/edge-native/{configUid}
POST /v1/cloudconfigs/edge-native/{configUid}/machinePools
PUT /v1/cloudconfigs/edge-native/{configUid}/machinePools/{machinePoolName}
DELETE /v1/cloudconfigs/edge-native/{configUid}/machinePools/{machinePoolName}
GET /v1/cloudconfigs/edge-native/{configUid}/machinePools/{machinePoolName}/machines
DELETE /v1/cloudconfigs/edge-native/{configUid}/machinePools/{machinePoolName}/machines/{machineUid}
PUT /v1/cloudconfigs/{cloudType}/{configUid}/machinePools/{machinePoolName}/machines/{machineUid}/maintenance
GET /v1/dashboard/projects/metadata
GET /v1/users
POST /v1/users
PUT /v1/users/{uid}/roles
PUT /v1/users/{uid}/projects
GET /v1/roles
POST /v1/users/assets/sshkeys
POST /v1/filters/tag
"""
"""What the Terraform provider and the SDKs for Go and TypeScript were seen to call."""


def test_what_clients_call_is_in_the_tables() -> None:
    operations = table("palette-operations")
    for line in CALLED_BY_CLIENTS.split("\n")[1:-1]:
        method, path = line.split()
        assert method.lower() in operations.get(path, {}), line
