from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core import times


@given(st.integers(-62_000_000_000_000, 250_000_000_000_000))
def test_milliseconds_survive_the_wire(milliseconds: int) -> None:
    text = times.rfc3339(milliseconds / 1000)
    parsed = times.parse(text)
    assert parsed is not None
    assert round(parsed * 1000) == milliseconds
    assert times.rfc3339(parsed) == text


@given(st.one_of(st.text(max_size=40), st.text("0123456789-:TZ.+ ", max_size=32)))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        parsed = times.parse(text)
    except ValueError as error:
        assert str(error)
    else:
        assert parsed is None or isinstance(parsed, float)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T00:00:01.5Z", 1.5),
        ("1970-01-01T02:00:00+02:00", 0.0),
        ("1969-12-31T22:00:00-0200", 0.0),
        ("1970-01-01t00:00:00.123456789z", 0.123456789),
        ("2016-12-31T23:59:60Z", 1483228799.0),
        (times.ZERO, None),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_parse(text: str | None, moment: float | None) -> None:
    assert times.parse(text) == moment


@pytest.mark.parametrize("text", ["2026-11-23", "2026-11-23T08:00:00", "2026-13-01T00:00:00Z", "yesterday", "1" * 5000])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="no"):
        times.parse(text)


def test_unset_and_impossible_times_are_zero() -> None:
    assert times.rfc3339(None) == times.ZERO
    assert times.rfc3339(1e18) == times.ZERO
    assert times.rfc3339(float("inf")) == times.ZERO
    assert times.rfc3339(float("nan")) == times.ZERO


def test_ages_have_one_unit() -> None:
    given_ = [None, -5, 0, 7.9, 60, 3599, 3600, 86399, 86400 * 9]
    assert [times.age(x) for x in given_] == ["-", "0s", "0s", "7s", "1m", "59m", "1h", "23h", "9d"]
    assert [times.duration(x) for x in (5, 840, 7200, 86400, 200000)] == ["5 s", "14 min", "2 h", "1 day", "2 days"]


def test_spans() -> None:
    spans = {"90": 90, "90s": 90, "10m": 600, "2h": 7200, "1h30m": 5400, "7d": 604800, "2W": 1209600, "1.5h": 5400}
    for text, seconds in spans.items():
        assert times.parse_span(text) == seconds
    for text in ("", "x", "2 y", "h", "1h x", "-3h"):
        with pytest.raises(ValueError, match="duration"):
            times.parse_span(text)
