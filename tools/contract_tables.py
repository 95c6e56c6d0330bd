"""Reduce public API descriptions to tables of facts: `python tools/contract_tables.py FOLDER`.

FOLDER contains the descriptions that `SOURCES` names (tests/spec/README.md has their origin). The tables are what a
client and a server must agree on: paths, methods, parameters, status codes, property names, types, formats, limits,
enums, what is required and which shape refers to which. No text written by the authors of a description is taken: no
description, title, summary, comment or example. `--check` compares with the stored tables and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLES = Path(__file__).resolve().parent.parent / "tests" / "spec"
SOURCES = {
    "palette": ("palette-4.8-edge-subset.swagger.json", "palette-4.8.swagger.json"),
    "local": ("local-management-api.swagger.json", ""),
}
"""Name of a table: the description, and the larger one from which the paths in `MORE` are added."""
KAIROS = {"head": "kairos-cloud-config.schema.json", "v2.0.1": "kairos-cloud-config-v2.0.1.schema.json"}
MORE = (
    "/v1/roles", "/v1/teams", "/v1/users/{uid}/", "/v1/users/password/", "/v1/users/auth/", "/v1/registries/{uid}",
    "/v1/projects/{uid}/macros", "/v1/tenants/{tenantUid}/macros", "/v1/workspaces/users/",
)  # fmt: skip
"""Beginnings of paths beside the edge subset: what users, roles and teams are made of, and what Terraform calls."""
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
SCHEMA_FACTS = (
    "$ref", "type", "format", "enum", "required", "default", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "pattern", "x-nullable",
)  # fmt: skip
WIDTH = 140
Json = dict[str, Any]


def schema_facts(schema: Json) -> Json:
    """Return the facts of one schema, those of its properties and items included."""
    facts = {key: schema[key] for key in SCHEMA_FACTS if key in schema}
    if "required" in facts:
        facts["required"] = sorted(facts["required"]) if isinstance(facts["required"], list) else facts["required"]
    if schema.get("properties"):
        facts["properties"] = {name: schema_facts(inner) for name, inner in schema["properties"].items()}
    if "items" in schema:
        facts["items"] = schema_facts(schema["items"])
    extra = schema.get("additionalProperties")
    if extra is not None:
        facts["additionalProperties"] = schema_facts(extra) if isinstance(extra, dict) else extra
    for group in ("allOf", "oneOf", "anyOf"):
        if group in schema:
            facts[group] = [schema_facts(inner) for inner in schema[group]]
    return facts


def _parameter(parameter: Json) -> Json:
    facts = {"name": parameter["name"], "in": parameter["in"], **schema_facts(parameter)}
    if "schema" in parameter:
        facts["schema"] = schema_facts(parameter["schema"])
    return facts


def _response(response: Json) -> Json:
    facts: Json = {}
    if "schema" in response:
        facts["schema"] = schema_facts(response["schema"])
    if response.get("headers"):
        facts["headers"] = sorted(response["headers"])
    return facts


def operations(description: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method in lower case and the facts of each operation."""
    for path, item in description["paths"].items():
        shared = item.get("parameters", [])
        for method in METHODS:
            operation = item.get(method)
            if operation is None:
                continue
            own = operation.get("parameters", [])
            names = {(parameter["name"], parameter["in"]) for parameter in own}
            both = [*own, *(one for one in shared if (one["name"], one["in"]) not in names)]
            facts: Json = {"responses": {code: _response(body) for code, body in operation["responses"].items()}}
            if both:
                ordered = sorted(both, key=lambda one: (one["in"], one["name"]))
                facts["parameters"] = [_parameter(parameter) for parameter in ordered]
            for media in ("consumes", "produces"):
                if media in operation:
                    facts[media] = sorted(operation[media])
            yield path, method, facts


def references(value: Any) -> Iterator[str]:
    """Yield the names of the definitions that a value refers to, at any depth."""
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str):
            yield target.rsplit("/", 1)[1]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def reduce(description: Json, larger: Json | None = None) -> tuple[Json, Json]:
    """Return operations by path and method, and shapes by name; references to shapes are closed."""
    paths: dict[str, Json] = {}
    for path, method, facts in operations(description):
        paths.setdefault(path, {})[method] = facts
    definitions = dict(description["definitions"])
    if larger is not None:
        for path, method, facts in operations(larger):
            if path.startswith(MORE):
                paths.setdefault(path, {}).setdefault(method, facts)
        definitions = {**larger["definitions"], **definitions}
    shapes: Json = {}
    waiting = {*references(paths), *description["definitions"]}
    while waiting:
        name = waiting.pop()
        shapes[name] = schema_facts(definitions[name])
        waiting |= set(references(shapes[name])) - shapes.keys()
    return paths, shapes


def kairos_keys(schema: Json) -> dict[str, str]:
    """Return the type of each key of a cloud-config schema by its path, such as `install.bundles[].targets`."""
    types: dict[str, str] = {}

    def resolve(node: Json) -> Json:
        return schema["definitions"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node

    def walk(node: Json, path: str) -> None:
        node = resolve(node)
        for part in (node, *(resolve(one) for one in node.get("oneOf", []))):
            for name, below in part.get("properties", {}).items():
                where = f"{path}.{name}" if path else name
                types.setdefault(where, resolve(below).get("type", "object"))
                walk(below, where)
                if isinstance(below.get("items"), dict):
                    walk(below["items"], f"{where}[]")

    walk(schema, "")
    return types


def render(value: Any, indent: int = 0, used: int = 0) -> str:
    """Return sorted JSON; what fits a line of `WIDTH` characters, of which `used` are taken, is one line."""
    line = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if (indent and indent + used + len(line) < WIDTH) or not value or not isinstance(value, dict | list):
        return line
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        parts = [f'{inner}"{key}": {render(value[key], indent + 1, len(key) + 4)}' for key in sorted(value)]
        return "{\n" + ",\n".join(parts) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(inner + render(item, indent + 1) for item in value) + "\n" + " " * indent + "]"


def tables(folder: Path) -> dict[str, str]:
    """Return the text of each table by its file name; raises OSError for a description that is not there."""

    def read(name: str) -> Json:
        parsed: Json = json.loads((folder / name).read_text(encoding="utf-8"))
        return parsed

    texts: dict[str, str] = {}
    for name, (source, larger) in SOURCES.items():
        paths, shapes = reduce(read(source), read(larger) if larger else None)
        texts[f"{name}-operations.json"] = render(paths) + "\n"
        texts[f"{name}-shapes.json"] = render(shapes) + "\n"
    keys = {version: kairos_keys(read(source)) for version, source in KAIROS.items()}
    texts["kairos-keys.json"] = render(keys) + "\n"
    return texts


def main() -> int:
    """Write or check the tables; return the exit code."""
    parser = argparse.ArgumentParser(description="Reduce public API descriptions to tests/spec.")
    parser.add_argument("folder", type=Path, help="where the descriptions are")
    parser.add_argument("--check", action="store_true", help="compare with the stored tables, write nothing")
    options = parser.parse_args()
    try:
        texts = tables(options.folder)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}. Name the folder of the API descriptions.", file=sys.stderr)
        return 3
    different = [name for name, text in texts.items() if not _is_stored(name, text)]
    if options.check:
        for name in different:
            print(f"tests/spec/{name} differs from the descriptions. Run tools/contract_tables.py FOLDER to write it.")
        return 1 if different else 0
    for name in different:
        (TABLES / name).write_text(texts[name], encoding="utf-8")
    print(f"{len(texts)} tables, {len(different)} written")
    return 0


def _is_stored(name: str, text: str) -> bool:
    path = TABLES / name
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
