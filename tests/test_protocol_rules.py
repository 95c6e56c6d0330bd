"""Each rule of docs/protocol.md is shown by a test, and `tests/mutations.toml` names the line that the test protects.

`python tools/mutate.py` changes each of those lines and demands that the test fails; here only the table is checked.
"""

from __future__ import annotations

import ast
import functools
import re

import pytest

from tests.support import ROOT
from tools.mutate import Mutation, read_table

RULES = re.findall(r"^\*\*P(\d+) ", (ROOT / "docs" / "protocol.md").read_text(), re.MULTILINE)
TESTS = {
    path: path.read_text()
    for folder in ("agent", "hub", "wire", "core", "clients", "sources", "e2e", "dist")
    for path in (ROOT / "tests" / folder).rglob("test_*.py")
}
MUTATIONS, OPEN = read_table()


def test_no_number_is_used_twice_and_the_first_35_are_complete() -> None:
    numbers = [int(rule) for rule in RULES]
    assert len(numbers) == len(set(numbers))
    assert set(range(1, 36)) <= set(numbers)


@pytest.mark.parametrize("rule", RULES)
def test_rule_is_shown_by_a_test(rule: str) -> None:
    named = re.compile(rf"\bP{rule}\b|_p{rule}(_|\()")
    assert any(named.search(text) for text in TESTS.values()), f"no test names rule P{rule} of docs/protocol.md"


def test_each_rule_has_a_line_that_a_test_protects_or_a_reason() -> None:
    shown = {mutation.rule for mutation in MUTATIONS}
    missing = [f"P{rule}" for rule in RULES if f"P{rule}" not in shown and not OPEN.get(f"P{rule}")]
    assert not missing, f"add a mutation to tests/mutations.toml, or a reason under [open]: {missing}"
    assert not [rule for rule in OPEN if rule in shown], "a rule that is shown is not open"
    unknown = {rule for rule in shown | set(OPEN) if re.fullmatch(r"P\d+", rule) and rule[1:] not in RULES}
    assert not unknown, f"docs/protocol.md has no such rule: {unknown}"


@functools.cache
def functions_of(file: str) -> set[str]:
    nodes = ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[f"{each.rule}-{number}" for number, each in enumerate(MUTATIONS)])
def test_a_mutation_has_its_line_and_its_test(mutation: Mutation) -> None:
    """A line that was reworded or moved is named here, so that the table stays true without running it."""
    source = (ROOT / mutation.file).read_text("utf-8")
    assert source.count(mutation.text) == 1, (
        f"{mutation.file} has {source.count(mutation.text)} times: {mutation.text!r}. If the line was moved or "
        f"reworded, correct its entry in tests/mutations.toml and try it: python tools/mutate.py {mutation.rule}"
    )
    assert mutation.text != mutation.by and mutation.claim.endswith(".")
    ast.parse(source.replace(mutation.text, mutation.by))
    file, _, name = mutation.test.partition("::")
    assert name in functions_of(file), f"there is no test {mutation.test}"
