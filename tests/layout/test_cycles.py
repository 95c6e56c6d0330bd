"""No module imports itself by way of others; imports for types and within functions count."""

from __future__ import annotations

from tests.layout.imports import connected, cycles


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert cycles() == []


def test_a_cycle_is_found_by_way_of_others_and_apart_from_those_who_only_import_it() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert sorted(sorted(group) for group in connected(graph)) == [["a", "b", "c"], ["d", "e"], ["f"]]
