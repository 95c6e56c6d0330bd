"""No module imports itself by way of others; imports for types and within functions count."""

from __future__ import annotations

from tests.layout.imports import connected, cycles

HUB_CYCLES = 50
"""Modules of the hub that import each other by way of the application object. It may only become smaller."""


def test_no_module_imports_itself_by_way_of_others() -> None:
    found = cycles()
    hub = [group for group in found if all(name.startswith("edgewright.hub.") for name in group)]
    assert [group for group in found if group not in hub] == []
    assert sum(map(len, hub)) <= HUB_CYCLES, hub


def test_a_cycle_is_found_by_way_of_others_and_apart_from_those_who_only_import_it() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert sorted(sorted(group) for group in connected(graph)) == [["a", "b", "c"], ["d", "e"], ["f"]]
