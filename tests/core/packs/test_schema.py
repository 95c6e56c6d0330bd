"""Schemas of values, the order of versions, and expressions that are matched in linear time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core import patterns
from edgewright.core.errors import InvalidInput
from edgewright.core.packs import versions
from edgewright.core.packs.schema import check_values, from_document, parse_entry


def entry(template: str) -> Any:
    return parse_entry("a.b", template)


@pytest.mark.parametrize(
    "template, good, bad",
    [
        ('{{ format "${string}" }}', ["x", "1"], [["x"], {}]),
        (r'{{ format "${string:/^([a-z0-9].*)$/}" }}', ["a!", "0"], ["!a"]),
        ('{{ format "${number}" }}', [1, 1.5, "7"], ["x", True]),
        ('{{ format "${number:[5000-5005]}" }}', [5000, 5005], [4999, 5006, "x"]),
        (r'{{ format "${number:/^(500[0-5])$/}" }}', [5001], [5006]),
        ('{{ format "${boolean}" }}', [True, False], ["yes", 1]),
        ('{{ format "${list:[PACK,GIT, CHART]}" }}', ["PACK", "CHART"], ["pack", "other"]),
        ('{{ format "${ipv4}" }}', ["10.0.0.1"], ["10.0.0.256", "::1"]),
        ('{{ required | format "${version}" }}', ["1.2.3", "v1.2.3-rc.1"], ["1.2", "", None]),
        ('{{ required | format "${ipv4} - ${ipv4}" | hints "ip range"}}', ["1.0.0.1 - 1.0.0.9"], ["1.0.0.1-1.0.0.9"]),
        (r'{{ format "${string}, ${string:/size=\d+/}" }}', ["zeroed, size=150"], ["zeroed, size=s", "zeroed"]),
        ("{{ required }}", ["x", 0, False], [None, ""]),
    ],
)  # fmt: skip
def test_formats(template: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert entry(template).check(value) == ""
    for value in bad:
        assert entry(template).check(value)


def test_the_parts_of_a_template() -> None:
    made = entry(r'{{ required | readonly | format "${list:[a, b]}" | hints "one | two" "three" }}')
    assert made.required and made.readonly and made.options == ("a", "b") and made.hints == ("one | two", "three")
    assert made.type == "list" and entry('{{ format "${password}" }}').secret
    assert entry('{{ format "${string}" }}').check("{{.spectro.var.x}}") == ""


@pytest.mark.parametrize(
    "template",
    ["required", "{{ maybe }}", '{{ format "${uuid}" }}', r'{{ format "${string:/(a/}" }}', '{{ format "a" "b" }}'],
)
def test_templates_that_are_refused(template: str) -> None:
    with pytest.raises(InvalidInput):
        entry(template)


def test_paths_of_a_schema() -> None:
    entries, problems = from_document(
        {
            "registry.hosts.$[]": {"schema": '{{ required | format "${ipv4}" }}'},
            "registry.name": {"schema": "{{ required }}"},
            "other": None,
            "wrong": {"schema": 7},
        }
    )
    assert [problem.key for problem in problems] == ["wrong"]
    values = {"registry": {"hosts": ["10.0.0.1", "x"]}}
    assert [problem.key for problem in check_values(entries, values)] == ["registry.hosts[1]", "registry.name"]
    assert not check_values(entries, {"registry.name": "x", "registry": {"hosts": []}})[1:]


def test_the_order_of_versions() -> None:
    ordered = ["0.9", "1.2.0-rc.1", "1.2.0-rc.2", "1.2", "1.2.1", "v1.10.0", "1.10.0-1", "2.0", "20.4.1"]
    shuffled = [*ordered[4:], *ordered[:4]]
    assert sorted(shuffled, key=versions.key) == ordered
    assert versions.within("1.30.4", "1.30.0", "1.30.99") and not versions.within("1.31.0", "", "1.30.99")
    assert versions.parents("1.30.4") == ("1.30.x", "1.x") and versions.parents("7") == ()


def test_the_order_from_the_highest_counts_a_zero_at_the_end() -> None:
    ordered = ["1.10.0", "1.1.0", "1.0.1", "1.0.0", "1.0.0-rc.1", "0.9"]
    shuffled = [*ordered[3:], *ordered[:3]]
    assert sorted(shuffled, key=versions.newest_first) == ordered


@given(st.text(), st.text())
def test_any_two_versions_have_an_order(one: str, other: str) -> None:
    assert (versions.key(one) < versions.key(other)) + (versions.key(one) == versions.key(other)) + (
        versions.key(one) > versions.key(other)
    ) == 1


@pytest.mark.parametrize(
    "expression, yes, no",
    [
        (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", ["a.b-c"], ["-a", "a..b", "a\n"]),
        (r"^(25[0-5]|1?\d{1,2})$", ["7", "255", "199"], ["256", ""]),
        (r"a|b+", ["xxa", "b"], ["c"]),
        (r"(?i)^abc$", ["ABC", "aBc"], ["abd"]),
        (r"^[^/\s]+/[[:alpha:]]{2,3}\z", ["x/ab", "x/abc"], ["x/a", "x y/ab", "x/abcd"]),
        (r"\bcat\b", ["a cat"], ["concat"]),
        (r"^(?:a{2,3}b?)+?$", ["aab", "aaaaab"], ["a", "ab"]),
    ],
)
def test_expressions(expression: str, yes: list[str], no: list[str]) -> None:
    pattern = patterns.compiled(expression)
    assert all(pattern.search(text) for text in yes) and not any(pattern.search(text) for text in no)


def test_an_expression_of_a_stranger_occupies_nobody() -> None:
    began = time.process_time()
    assert not patterns.compiled("^(a+)+$").search("a" * 200 + "b")
    assert not patterns.compiled("^(a|a)*(a|a)*$").search("a" * 200 + "b")
    assert time.process_time() - began < 2
    assert not patterns.compiled("a").search("a" * (patterns.MAX_TEXT + 1))


def test_the_size_of_an_expression_is_the_bound_of_its_time() -> None:
    began = time.process_time()
    assert patterns.compiled("(((){1000}){1000}){1000}").search("a")
    ranges = "".join(f"{chr(0x400 + 2 * n)}-{chr(0x400 + 2 * n)}" for n in range(310))
    assert not patterns.compiled(f"([{ranges}]?){{900}}z").search("a" * patterns.MAX_TEXT)
    assert time.process_time() - began < 4


def test_the_expressions_of_a_schema_have_a_bound_for_all_values_together() -> None:
    entries, _ = from_document({"a.$[]": {"schema": '{{ format "${string:/((a?){40}){20}b/}" }}'}})
    began = time.process_time()
    *_, last = check_values(entries, {"a": ["a" * 2_000] * 100})
    assert time.process_time() - began < 10
    assert last.code == "TooBig" and last.message.startswith("a[3] and what follows is not checked")


@pytest.mark.parametrize(
    "expression", [r"(a)\1", "a(?=b)", "(?<!a)b", "(", "a{1001}", "(a{500}){500}", "x" * 1001, "["]
)
def test_expressions_that_are_refused(expression: str) -> None:
    with pytest.raises(InvalidInput):
        patterns.compiled(expression)
