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


def test_rules_are_numbered_without_a_gap() -> None:
    assert [int(rule) for rule in RULES] == list(range(1, len(RULES) + 1))


@pytest.mark.parametrize("rule", RULES)
def test_rule_is_shown_by_a_test(rule: str) -> None:
    named = re.compile(rf"\bP{rule}\b|_p{rule}(_|\()")
    assert any(named.search(text) for text in TESTS.values()), f"no test names rule P{rule} of docs/protocol.md"
