"""Every definition of the edge subset: what we do not know travels through unharmed, whatever the plane makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright.core import times
from edgewright.wire.document import Document, copy_json
from edgewright.wire.palette.audits import Audit
from edgewright.wire.palette.edgehost import EdgeHost, EdgeHostsPage
from edgewright.wire.palette.events import ComponentEvent, EventsPage
from edgewright.wire.palette.projects import Projects
from edgewright.wire.palette.tokens import EdgeToken, EdgeTokens
from edgewright.wire.palette.users import Role, SshPublicKey, User
from tests.support import table

VIEWS: dict[str, type[Document]] = {
    "v1EdgeHostDevice": EdgeHost, "v1EdgeHostsMetadata": EdgeHost, "v1EdgeHostDeviceEntity": EdgeHost,
    "v1EdgeHostsSearchSummary": EdgeHostsPage, "v1EdgeToken": EdgeToken, "v1EdgeTokens": EdgeTokens,
    "v1EdgeTokenEntity": EdgeToken, "v1Event": ComponentEvent, "v1Events": EventsPage, "v1Audit": Audit,
    "v1ProjectsMetadata": Projects, "v1UserSummary": User, "v1Role": Role, "v1UserAssetSsh": SshPublicKey,
}  # fmt: skip
TIMES = st.one_of(
    st.just(times.ZERO), st.just("0001-01-01T00:00:00Z"),
    st.integers(0, 4_000_000_000_000).map(lambda ms: times.rfc3339(ms / 1000)),
)  # fmt: skip
TEXT = st.text(max_size=6)
UNKNOWN: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["xNew", "futureThing", "dotted.key", "metadata ", ""]),
    st.one_of(st.none(), st.integers(), TEXT, st.just({"deep": [None, {}]})),
    max_size=2,
)
MAX_DEPTH = 5


class Maker:
    """Draws documents of a definition as a plane of another version would send them."""

    def __init__(self, definitions: dict[str, Any], draw: Any) -> None:
        self.definitions = definitions
        self.draw = draw

    def value(self, schema: dict[str, Any], depth: int) -> Any:
        if "$ref" in schema:
            return self.value(self.definitions[schema["$ref"].rsplit("/", 1)[1]], depth + 1)
        kind = schema.get("type") or ("object" if "properties" in schema else "string")
        if kind in ("object", "array"):
            if depth > MAX_DEPTH or self.draw(st.integers(0, 5)) == 0:
                return None
            return self.obj(schema, depth) if kind == "object" else self.array(schema, depth)
        if "enum" in schema:
            return self.draw(st.sampled_from(schema["enum"]))
        if kind == "string":
            return self.draw(TIMES if schema.get("format") == "date-time" else TEXT)
        if kind == "integer":
            return self.draw(st.integers(-1, 2**40))
        if kind == "number":
            return self.draw(st.floats(0, 1e6))
        return self.draw(st.booleans())

    def array(self, schema: dict[str, Any], depth: int) -> Any:
        return [self.value(schema["items"], depth + 1) for _ in range(self.draw(st.integers(0, 2)))]

    def obj(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        properties = schema.get("properties", {})
        chosen = self.draw(st.integers(0, 2 ** len(properties) - 1)) if depth else 2 ** len(properties) - 1
        for position, (name, inner) in enumerate(properties.items()):
            if chosen >> position & 1:
                found[self.spelled(name)] = self.value(inner, depth + 1)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for key in self.draw(st.lists(TEXT, max_size=2)):
                found.setdefault(key, self.value(extra, depth + 1))
        for key, item in self.draw(UNKNOWN).items():
            found.setdefault(key, item)
        return found

    def spelled(self, name: str) -> str:
        way = self.draw(st.integers(0, 8))
        return {6: name.upper(), 7: name.lower(), 8: name[:1].upper() + name[1:]}.get(way, name)


def read(view: Document) -> None:
    """Read every field and property of a view, and of the views in its lists."""
    for cls in type(view).__mro__[:-2]:
        for name in list(vars(cls)):
            if name.startswith("_") or name in ("raw",) or callable(getattr(type(view), name)):
                continue
            value = getattr(view, name)
            if isinstance(value, tuple):
                for item in value:
                    if isinstance(item, Document):
                        read(item)


def without(raw: Any, path: list[str]) -> Any:
    """Return a copy without what lies at a path, whatever the case of its keys; objects that are empty then go too."""
    if not path or not isinstance(raw, dict):
        return None
    out = {}
    for key, value in raw.items():
        if key.casefold() == path[0].casefold():
            rest = without(value, path[1:])
            if rest:
                out[key] = rest
        else:
            out[key] = value
    return out


@pytest.mark.parametrize("name", sorted(table("palette-shapes")))
def test_round_trip(name: str, edge_subset: dict[str, Any]) -> None:
    definitions = edge_subset["definitions"]
    view = VIEWS.get(name, Document)

    @settings(
        max_examples=25 if name in VIEWS else 3, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )  # fmt: skip
    @given(st.data())
    def check(data: st.DataObject) -> None:
        value = Maker(definitions, data.draw).value({"$ref": f"#/definitions/{name}"}, -1)
        # lists and plain words are definitions too; inside of a document they are carried the same way
        raw = value if isinstance(value, dict) else {"value": value}
        kept = copy_json(raw)
        document = view.parse(json.dumps(raw))
        assert document.raw == kept
        read(document)
        assert document.raw == kept, "reading changed the document"
        again = view.parse(document.json())
        assert again == document
        assert document.json() == view.parse(document.json()).json()

        path = data.draw(st.sampled_from(["metadata.name", "spec.edgewright.simulated", "status.state", "newThing"]))
        document.set(path, "set")
        assert document.get(path) == "set"
        parts = path.split(".")
        assert without(document.raw, parts) == without(kept, parts), "setting one path touched another"

    check()


def test_every_field_writes_what_it_reads() -> None:
    host = EdgeHost()
    host.created, host.cpu_cores, host.secure_boot, host.load1 = 12.5, 4, True, 0.5
    host.ssh_host_keys, host.labels, host.state = ["k"], {"site": "a"}, "ready"
    assert (host.created, host.cpu_cores, host.secure_boot, host.load1) == (12.5, 4, True, 0.5)
    assert (host.ssh_host_keys, host.labels, host.state) == (["k"], {"site": "a"}, "ready")
    assert EdgeHost.parse(host.json()) == host


def test_the_views_use_names_of_the_description(edge_subset: dict[str, Any]) -> None:
    """A misspelled path would read as absent for ever: each one must exist in a definition, or be our extension."""
    definitions = edge_subset["definitions"]

    def resolve(schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def known(definition: str, parts: list[str]) -> bool:
        schema = resolve(definitions[definition])
        for part in parts:
            if part == "edgewright" or isinstance(schema.get("additionalProperties"), dict):
                return True
            if part not in schema.get("properties", {}):
                return False
            schema = resolve(schema["properties"][part])
        return True

    owners: dict[type[Document], list[str]] = {}
    for definition, view in VIEWS.items():
        owners.setdefault(view, []).append(definition)
    for view, found in owners.items():
        for attribute, field in vars(view).items():
            parts = getattr(field, "parts", None)
            if parts is not None:
                assert any(known(definition, parts) for definition in found), f"{view.__name__}.{attribute}: {parts}"
