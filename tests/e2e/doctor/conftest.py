"""The sum of all sets of faults, printed at the end of a run (`make e2e-doctor`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROPERTY = "doctor"
KINDS = {"faults": "first cause right", "pairs": "first cause right", "healthy hosts": "no alarm"}
HOSTS = ("host", "second_host", "third_host")
ORDER = (False, "host", True, "node", "cluster")
Count = Callable[[str, str, int, int], None]
"""What a test hands its figures to: kind (of `KINDS`), group, how many are right, of how many."""


@pytest.fixture
def count(record_property: Callable[[str, object], None], request: pytest.FixtureRequest) -> Count:
    """Return what adds the figures of a test to the table at the end."""
    place = request.node.path.stem.removeprefix("test_")

    def add(kind: str, group: str, right: int, of: int) -> None:
        record_property(PROPERTY, [kind, place, group, right, of])

    return add


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs a plain host first, then a node, then a control plane: a host is never made plain again."""

    def order(item: pytest.Item) -> tuple[str, int]:
        given = getattr(item, "callspec", None)
        kinds = [given.params[name] for name in HOSTS if name in given.params] if given is not None else []
        return str(item.path), ORDER.index(kinds[0]) if kinds else len(ORDER)

    mine = [place for place, item in enumerate(items) if Path(__file__).parent in item.path.parents]
    for place, item in zip(mine, sorted((items[place] for place in mine), key=order), strict=True):
        items[place] = item


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures of all sets in one table, and their sum by kind."""
    rows = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if not rows:
        return
    terminalreporter.section("Doctor: all sets of this run")
    terminalreporter.write_line("| what | set | group | right |\n|---|---|---|---|")
    for kind, place, group, right, of in sorted(rows):
        terminalreporter.write_line(f"| {kind} | {place} | {group} | {right} of {of} |")
    for kind, title in KINDS.items():
        right, of = (sum(row[place] for row in rows if row[0] == kind) for place in (3, 4))
        if of:
            terminalreporter.write_line(f"{kind}: {title}: {right} of {of} ({100 * right / of:.1f} %)")
