"""The cost of a search is bounded before any host is looked at; fast evaluation finds the same as the definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.search import match as searchtests
from edgewright.core.search import search


def item(property_: str, operator: str, values: list[Any], **more: Any) -> dict[str, Any]:
    kind = more.pop("type", "string")
    condition = {"operator": operator, "match": {"conjunction": more.pop("match", "or"), "values": values}, **more}
    return {"property": property_, "type": kind, "condition": {kind: condition}}


def spec(*groups: list[dict[str, Any]]) -> dict[str, Any]:
    return {"filter": {"filterGroups": [{"filters": group} for group in groups]}}


@pytest.mark.parametrize(
    ("groups", "filters", "values", "operator"),
    [(50, 20, 100, "contains"), (1, 50, 100, "contains"), (2, 1, 501, "beginsWith"), (25, 41, 1, "contains")],
)
def test_a_search_over_its_budget_is_refused_with_the_limit(
    groups: int, filters: int, values: int, operator: str
) -> None:
    body = spec(*[[item("name", operator, ["x"] * values) for _ in range(filters)] for _ in range(groups)])
    (problem,) = search.validate(body)
    assert problem.code == 611
    assert str(groups * filters * values) in problem.message and str(search.MAX_TESTS) in problem.message


def test_a_search_within_its_budget_is_taken() -> None:
    assert search.validate(spec([item("name", "contains", ["x"] * 500), item("tags", "beginsWith", ["x"] * 500)])) == []
    uids = [f"edge-{number}" for number in range(1000)]
    chosen = spec([item("uid", "eq", uids), item("state", "eq", ["ready"]), item("tags", "eq", ["site:rome"])])
    assert search.validate(chosen) == []  # equality is one look-up, whatever the number of values
    passes = search.compile_search(chosen)
    assert passes({"uid": "edge-7", "state": "ready", "tags": ["site:rome"]}.get)
    assert not passes({"uid": "edge-x", "state": "ready", "tags": ["site:rome"]}.get)


def test_the_texts_of_a_host_are_read_once() -> None:
    read: list[str] = []

    def get(name: str) -> object:
        read.append(name)
        return {"tags": ["Site:Rome", "rack"], "name": "Edge"}.get(name)

    filters = [item("tags", "contains", [f"no{number}"], ignoreCase=True) for number in range(40)]
    keys = [item("tags", "eq", ["x"], type="keyValue", key="site", ignoreCase=True) for _ in range(9)]
    body = spec(filters + keys)
    body["filter"]["filterGroups"][0]["conjunction"] = "or"
    assert not search.compile_search(body)(get)
    assert read == ["tags"]


TEXT = st.text(alphabet="ab:\0A", max_size=4)


def by_definition(values: list[str], operator: str, wanted: list[str], every: bool) -> bool:
    table: dict[str, Callable[[str, str], bool]] = {
        "eq": lambda text, part: text == part,
        "contains": lambda text, part: part in text,
        "beginsWith": lambda text, part: text.startswith(part),
    }
    matches = table[operator]
    return (all if every else any)(any(matches(text, part) for text in values) for part in wanted)


@settings(deadline=None, max_examples=300)
@given(
    values=st.lists(TEXT, max_size=4), wanted=st.lists(TEXT, min_size=1, max_size=4), every=st.booleans(),
    operator=st.sampled_from(["eq", "contains", "beginsWith"]),
)  # fmt: skip
def test_texts_match_as_defined(values: list[str], wanted: list[str], every: bool, operator: str) -> None:
    check, cost = searchtests.text_check(operator, wanted, every)
    expected = by_definition(values, operator, wanted, every)
    assert check(searchtests.read_texts({"tags": values}.get, "tags", False)) is expected
    for memo in (None, searchtests.Memo()):
        test = searchtests.text_filter("tags", False, operator, wanted, every).build(memo)
        assert test({"tags": values}.get) is expected
    single = searchtests.text_filter("name", True, operator, [part.casefold() for part in wanted], every).build(None)
    for value in values:
        folded = [part.casefold() for part in wanted]
        assert single({"name": value}.get) is by_definition([value.casefold()], operator, folded, every)
    nothing: dict[str, object] = {}
    assert single(nothing.get) is by_definition([], operator, wanted, every)
    assert 1 <= cost <= len(wanted)


@settings(deadline=None, max_examples=200)
@given(
    value=st.integers(0, 5), wanted=st.lists(st.integers(0, 5), min_size=1, max_size=3), every=st.booleans(),
    operator=st.sampled_from(["eq", "gt", "gte", "lt", "lte"]),
)  # fmt: skip
def test_numbers_match_as_defined(value: int, wanted: list[int], every: bool, operator: str) -> None:
    check, _ = searchtests.number_check(operator, [float(number) for number in wanted], every)
    table: dict[str, Callable[[float], bool]] = {
        "eq": lambda bound: value == bound,
        "gt": lambda bound: value > bound,
        "gte": lambda bound: value >= bound,
        "lt": lambda bound: value < bound,
        "lte": lambda bound: value <= bound,
    }
    one = table[operator]
    assert check(float(value)) is (all if every else any)(one(bound) for bound in wanted)


@settings(deadline=None, max_examples=200)
@given(tags=st.lists(TEXT, max_size=4), key=st.text(alphabet="abA", min_size=1, max_size=2), fold=st.booleans())
def test_values_of_a_key_are_those_of_its_tags(tags: list[str], key: str, fold: bool) -> None:
    folded = [tag.casefold() if fold else tag for tag in tags]
    wanted = key.casefold() if fold else key
    expected = [tag.partition(":")[2] for tag in folded if tag.partition(":")[0] == wanted]
    assert list(searchtests.Memo().values_of({"tags": tags}.get, "tags", wanted, fold).values) == expected
