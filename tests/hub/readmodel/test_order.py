"""The order that a body of a search asks for."""

from __future__ import annotations

from edgewright.hub.http.filter_text import order


def test_the_first_mention_of_a_property_decides_and_further_ones_cost_nothing() -> None:
    sort = [{"field": "b", "order": "desc"}, {}, *({"field": "b", "order": "asc"} for _ in range(2_000))]
    assert order({"sort": sort}, "a") == [("a", False), ("b", True)]
    rows = [{"a": 2, "b": 1}, {"a": 1, "b": 1}, {"a": 3, "b": 2}]
    for field, descending in order({"sort": sort}, "a"):
        rows.sort(key=lambda row: row[field], reverse=descending)
    assert [row["a"] for row in rows] == [3, 1, 2]
    assert order({}, "a") == []
