"""Each rule of docs/protocol.md is named by a test that shows it."""

from __future__ import annotations

import re

import pytest

from tests.support import ROOT

RULES = re.findall(r"^\*\*P(\d+) ", (ROOT / "docs" / "protocol.md").read_text(), re.MULTILINE)
TESTS = {
    path: path.read_text()
    for path in (ROOT / "tests").rglob("test_*.py")
    if path.parent.name in ("agent", "hub", "wire", "core", "clients", "sources", "e2e")
}


def test_no_number_is_used_twice_and_the_first_35_are_complete() -> None:
    numbers = [int(rule) for rule in RULES]
    assert len(numbers) == len(set(numbers))
    assert set(range(1, 36)) <= set(numbers)


@pytest.mark.parametrize("rule", RULES)
def test_rule_is_shown_by_a_test(rule: str) -> None:
    named = re.compile(rf"\bP{rule}\b|_p{rule}(_|\()")
    assert any(named.search(text) for text in TESTS.values()), f"no test names rule P{rule} of docs/protocol.md"
