"""Addresses are compared by their value."""

from __future__ import annotations

import pytest

from edgewright.core.addresses import among, plain, same


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        ("fd00::1", "FD00:0:0::0001", True),
        ("fd00::1/64", "[fd00::1]", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("10.0.0.1", "10.0.0.1/24", True),
        ("10.0.0.1", "10.0.0.10", False),
        ("API.example.org", "api.example.org", True),
        ("", "", False),
    ],
)
def test_one_address_has_many_spellings(first: str, second: str, equal: bool) -> None:
    assert same(first, second) is same(second, first) is equal
    assert among(first, ["192.0.2.1", second]) is equal


def test_a_spelling_is_that_of_the_library() -> None:
    assert plain("FD00:0:0::0001") == "fd00::1" and plain("10.0.0.1") == "10.0.0.1"
