"""The order of desired states: rules P36 and P37 as pure functions."""

from __future__ import annotations

import pytest

from edgewright.wire.protocol.generations import (
    MAX_GENERATION,
    Position,
    is_announced,
    is_late,
    read_generation,
    read_lineage,
)

A, B = "a" * 16, "b" * 16


@pytest.mark.parametrize("value", [1, 7, MAX_GENERATION])
def test_p37_a_generation_is_a_whole_number_in_bounds(value: object) -> None:
    assert read_generation(value) == value


@pytest.mark.parametrize("value", [0, -1, MAX_GENERATION + 1, 2**70, True, False, 1.0, "3", None, [3], {}])
def test_p37_anything_else_is_no_generation(value: object) -> None:
    assert read_generation(value) is None


@pytest.mark.parametrize(
    ("value", "read"),
    [(A, A), (None, ""), ("", ""), ("A" * 16, None), ("a" * 15, None), ("a" * 17, None), (7, None), (True, None)],
)
def test_p36_a_lineage_is_sixteen_hex_digits_or_absent(value: object, read: str | None) -> None:
    assert read_lineage(value) == read


@pytest.mark.parametrize(
    ("stored", "received", "late"),
    [
        (Position(A, 10), Position(A, 9), True),
        (Position(A, 10), Position(A, 10), False),
        (Position(A, 10), Position(A, 11), False),
        (Position(A, 10), Position(B, 1), False),
        (Position("", 10), Position(A, 1), False),
        (Position(A, 10), Position("", 1), False),
        (Position("", 10), Position("", 9), True),
        (Position("", 0), Position(A, 1), False),
    ],
)
def test_p36_only_a_lower_generation_of_the_same_lineage_is_late(
    stored: Position, received: Position, late: bool
) -> None:
    assert is_late(stored, received) is late


def test_p36_another_lineage_is_asked_for_whatever_its_generation() -> None:
    assert is_announced(Position(A, 10), B, 1)
    assert not is_announced(Position(A, 10), A, 10)
    assert is_announced(Position(A, 10), A, 11)
    assert not is_announced(Position(A, 10), None, 3), "a header that is lost or not valid names nothing"
    assert not is_announced(Position(A, 10), "", None), "a hub v0.1.0 names no lineage in its answers"


def test_the_tag_of_a_position_differs_between_lineages() -> None:
    assert {Position(A, 3).tag, Position(B, 3).tag, Position("", 3).tag} == {f"{A}-3", f"{B}-3", "3"}
