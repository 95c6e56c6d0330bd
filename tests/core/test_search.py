from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.filters.filters import parse, to_search
from edgewright.core.search.search import compile_search, host_values, order, schema_document, sort_fields, validate

DOC: dict[str, Any] = {
    "metadata": {"name": "edge-1", "uid": "edge-1", "labels": {"site": "a", "x": "spectro__tag"},
                 "creationTimestamp": "2026-11-20T00:00:00.000Z", "lastModifiedTimestamp": "0001-01-01T00:00:00.000Z"},
    "spec": {"device": {"archType": "amd64", "cpu": {"cores": 8}, "memory": {"sizeInMB": 16384}},
             "edgewright": {"simulated": True}},
    "status": {"state": "ready", "health": {"state": "healthy", "agentVersion": "1.2"},
               "inUseClusters": [{"uid": "c", "name": "pos"}]},
}  # fmt: skip
GET = host_values(DOC)
DAY = "2026-11-19T00:00:00Z"


def captured() -> dict[str, Any]:
    """The body that Palette's Go client sends for tags, state, health and architecture."""

    def item(property_: str, *values: str) -> dict[str, Any]:
        return {
            "condition": {"string": {"match": {"conjunction": "or", "values": list(values)}, "operator": "eq"}},
            "property": property_,
            "type": "string",
        }

    filters = [item("tags", "site:a"), item("state", "ready", "unpaired"), item("healthState", "healthy"),
               item("architecture", "amd64")]  # fmt: skip
    return {
        "filter": {"conjunction": "and", "filterGroups": [{"conjunction": "and", "filters": filters}]},
        "sort": None,
    }


def item(property_: str, kind: str, **condition: Any) -> dict[str, Any]:
    return {
        "filter": {
            "filterGroups": [{"filters": [{"property": property_, "type": kind, "condition": {kind: condition}}]}]
        }
    }


def values(*found: Any, conjunction: str = "or") -> dict[str, Any]:
    return {"conjunction": conjunction, "values": list(found)}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (None, True), ({}, True), ({"filter": None, "sort": None}, True), (captured(), True),
        ({"FILTER": {"FilterGroups": None}}, True),
        (item("name", "string", operator="eq", match=values("edge-1")), True),
        (item("name", "string", operator="eq", match=values("EDGE-1")), False),
        (item("name", "string", operator="eq", ignoreCase=True, match=values("EDGE-1")), True),
        (item("name", "string", operator="contains", match=values("ge")), True),
        (item("name", "string", operator="beginsWith", negation=True, match=values("edge")), False),
        (item("name", "string", operator="eq", match=values()), True),
        (item("tags", "string", operator="eq", match=values("x")), True),
        (item("tags", "string", operator="eq", match=values("x:spectro__tag")), True),
        (item("tags", "string", operator="eq", match=values("site:a", "x", conjunction="and")), True),
        (item("tags", "string", operator="eq", match=values("site:a", "y", conjunction="and")), False),
        (item("tags", "keyValue", key="site", operator="eq", match=values("a")), True),
        (item("tags", "keyValue", key="site", operator="eq", match=values("b")), False),
        (item("tags", "keyValue", key="site", operator="eq", match=None), True),
        (item("cpu", "int", operator="gte", match=values(8)), True),
        (item("cpu", "int", operator="gt", match=values(8)), False),
        (item("memory", "float", operator="lt", match=values(1e6)), True),
        (item("simulated", "bool", value=True), True), (item("observed", "bool", value=True), False),
        (item("creationTimestamp", "date", operator="gt", match=values("2026-11-19T00:00:00Z")), True),
        (item("creationTimestamp", "date", operator="range", match=values("2026-11-21T00:00:00Z", DAY)), True),
        (item("lastModifiedTimestamp", "date", operator="lt", match=values("2026-11-19T00:00:00Z")), False),
        (item("clusterName", "string", operator="eq", match=values("pos")), True),
        (item("healthState", "string", operator="eq", match=values("unknown")), False),
    ],
)  # fmt: skip
def test_what_a_search_finds(spec: Any, found: bool) -> None:
    assert validate(spec) == []
    assert compile_search(spec)(GET) is found


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ([], 601), ({"filter": 3}, 601), ({"sort": {}}, 601), ({"sort": [{"field": "clusterName"}]}, 606),
        ({"sort": [{"field": "name", "order": "up"}]}, 606), ({"sort": [{}]}, 602), (item("colour", "string"), 606),
        (item("name", "int", match=values(1)), 606), (item("name", "string", operator="like", match=values("a")), 606),
        (item("name", "string", match=values(3)), 601), (item("tags", "keyValue", match=values("a")), 602),
        (item("observed", "bool", value="yes"), 601), (item("cpu", "int", match=values("8")), 601),
        (item("creationTimestamp", "date", match=values("soon")), 601),
        (item("creationTimestamp", "date", operator="range", match=values("2026-11-19T00:00:00Z")), 612),
        ({"filter": {"conjunction": "xor", "filterGroups": [captured()["filter"]["filterGroups"][0]] * 2}}, 606),
        ({"filter": {"filterGroups": [{}] * 51}}, 611),
    ],
)  # fmt: skip
def test_what_a_search_may_not_say(spec: Any, code: int) -> None:
    problems = validate(spec)
    assert [problem.code for problem in problems] == [code]
    assert " in body " in problems[0].message


JSONISH = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["filter", "filterGroups", "filters", "property", "type", "condition", "string", "match",
                             "values",
                             "sort", "field", "name", "conjunction", "operator", "int", "date", "bool", "value"]),
            inner, max_size=5,
        ),
    ),
    max_leaves=20,
)  # fmt: skip


@settings(deadline=None)
@given(JSONISH)
def test_any_body_is_answered(spec: Any) -> None:
    if not validate(spec):
        assert compile_search(spec)(GET) in (True, False)
        sort_fields(spec)


def test_order_puts_unknown_last() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "b", "m": None},
        {"name": "a", "m": 2.0, "uid": "y"},
        {"name": "c", "m": 1.0},
        {"name": "A", "m": 2.0, "uid": "z"},
    ]
    names = [row["name"] for row in order(rows, [("m", True)], lambda row, field: row.get(field))]
    assert names == ["a", "A", "c", "b"]
    assert sort_fields({"sort": [{"field": "name"}, {"field": "state", "order": "desc"}]}) == [
        ("name", False), ("state", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["tag.site:a", "name:EDGE", "health:healthy state:ready,in-use", "-arch:arm64", "state!=ready"]
)
def test_the_console_filter_and_the_search_agree(text: str) -> None:
    wanted = parse(text)
    spec = to_search(wanted)
    row = {"name": "edge-1", "tags": ("site:a", "x"), "health": "healthy", "state": "ready", "arch": "amd64"}
    assert compile_search(spec)(GET) is wanted.matches(row.get, 0.0)


def test_the_schema_names_what_clients_ask_for() -> None:
    names = [entry["name"] for entry in schema_document()["schema"]["properties"]]
    assert names[:5] == ["name", "tags", "state", "healthState", "architecture"]
