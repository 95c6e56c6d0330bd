"""The older filter dialect: AND, OR, spaces; what cannot be read is an error and never an empty list."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.filters.palette import Term, parse

KNOWN = ("severity", "reason", "metadata.uid", "relatedObject.uid")


def eq(name: str, value: str) -> Term:
    return Term(name, False, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("severity=Info", [[eq("severity", "Info")]]),
        ("severity=InfoORseverity=Warning", [[eq("severity", "Info")], [eq("severity", "Warning")]]),
        ("severity=Info OR severity=Warning", [[eq("severity", "Info")], [eq("severity", "Warning")]]),
        ("severity!=InfoANDreason=X", [[Term("severity", True, "Info"), eq("reason", "X")]]),
        (
            "severity=InfoANDreason=XORseverity = Warning AND reason = Y",
            [[eq("severity", "Info"), eq("reason", "X")], [eq("severity", "Warning"), eq("reason", "Y")]],
        ),
        ("reason=FLOORANDseverity=HAND", [[eq("reason", "FLOOR"), eq("severity", "HAND")]]),
        ("reason=ORANGEORreason=ANDROID", [[eq("reason", "ORANGE")], [eq("reason", "ANDROID")]]),
        ("metadata.uid=abc.def-1", [[eq("metadata.uid", "abc.def-1")]]),
    ],
)
def test_what_is_understood(text: str, expected: list[list[Term]]) -> None:
    assert parse(text, KNOWN) == expected


@pytest.mark.parametrize(
    "text",
    [
        "severity", "=Info", "severity=", "banana=1", "severity=InfoORbanana=1", "severity=InfoORseverity",
        "severity=Info or severity=Warning", "severity=InfoXORseverity=", "severity==Info", "severity=Info,reason=X",
        "severity>Info", "ORseverity=Info", "severity=InfoANDANDreason=X=Y", "metadataXuid=1", "severity=Info OR",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_an_error_that_names_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="known properties are"):
        parse(text, KNOWN)


TERMS = st.builds(Term, st.sampled_from(KNOWN), st.booleans(), st.text("abXY-.", min_size=1, max_size=6))


@given(st.lists(st.lists(TERMS, min_size=1, max_size=3), min_size=1, max_size=3), st.sampled_from(["", " "]))
def test_what_is_written_is_read(alternatives: list[list[Term]], space: str) -> None:
    def written(term: Term) -> str:
        return f"{term.property}{'!=' if term.negated else '='}{term.value}"

    text = f"{space}OR{space}".join(f"{space}AND{space}".join(map(written, terms)) for terms in alternatives)
    assert parse(text, KNOWN) == alternatives


@given(st.text("severityOR AND=!.xInfo", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text, KNOWN)
    except ValueError:
        return
    assert all(term.property in KNOWN and term.value and "=" not in term.value for terms in found for term in terms)


@pytest.mark.parametrize(
    "text",
    [
        "severity=Info" + " " * 60_000 + "x",
        "OR" * 30_000,
        "severity=IOR" * 300,
        "severity=a AND " * 101 + "reason=b",
    ],
)
def test_a_long_text_is_refused_soon(text: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=r"at most|more than"):
        parse(text, KNOWN)
    assert time.process_time() - began < 0.5
    assert len(parse("severity=a OR " * 99 + "reason=b", KNOWN)) == 100
