from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.text import LIMIT, REPLACEMENT, amount, cells, clean, clip, is_harmless, plural

NASTY = st.text(st.sampled_from("\x1b[31m\x07\x9b\u202e\u2066\u200b\u200d\ufeff\u2028\r\n\t\x00ab\U000e0041\ud800é漢"))
ANY = st.one_of(st.text(st.characters(exclude_categories=[])), NASTY)


@given(ANY, st.integers(1, 2000))
def test_nothing_that_steers_a_terminal_survives(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    for character in cleaned:
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(character) not in (
            "RLE",
            "LRE",
            "RLO",
            "LRO",
            "PDF",
            "RLI",
            "LRI",
            "FSI",
            "PDI",
        )
        assert is_harmless(character)
    cleaned.encode("utf-8")


@given(ANY, st.integers(1, 60))
def test_cleaning_twice_changes_nothing_more(text: str, limit: int) -> None:
    assert clean(clean(text, limit), limit) == clean(text, limit)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=LIMIT))
def test_plain_text_stays(text: str) -> None:
    assert clean(text) == text


def test_what_is_taken_out_shows() -> None:
    assert clean("edge\x1b[31m-7") == f"edge{REPLACEMENT}[31m-7"
    assert clean("a\r\nb\tc") == "a  b c"
    assert clean(None) == ""
    assert clean(12) == "12"
    assert clean("x" * 2000)[-1] == "…"


@given(ANY.map(clean), st.integers(-1, 40))
def test_clip_keeps_to_the_width(text: str, width: int) -> None:
    clipped = clip(text, width)
    assert cells(clipped) <= max(width, 0)
    if cells(text) <= width:
        assert clipped == text


def test_wide_characters_count_two() -> None:
    assert cells("漢字") == 4
    assert clip("漢字漢字", 5) == "漢字…"
    assert clip("berlin", 4) == "ber…"
    assert clip("berlin", 4, ">") == "ber>"


def test_plurals() -> None:
    assert [plural(noun) for noun in ("host", "key", "registry", "pack")] == ["hosts", "keys", "registries", "packs"]


@pytest.mark.parametrize(
    ("count", "noun", "many", "text"),
    [
        (0, "warning", "", "0 warnings"),
        (1, "problem", "", "1 problem"),
        (2, "entry", "", "2 entries"),
        (2, "index", "indices", "2 indices"),
        (1234, "host", "", "1,234 hosts"),
    ],
)
def test_a_number_agrees_with_its_noun(count: int, noun: str, many: str, text: str) -> None:
    assert amount(count, noun, many) == text
