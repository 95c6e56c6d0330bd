from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.core.hosts.hosts import FORBIDDEN, MAX_UID, Health, HostState, check_hostname, check_uid, fit_uid
from edgewright.core.hosts.tags import BARE, labels_to_tags, parse_tag, tags_to_labels

REFERENCE = [
    "/",
    "?",
    "#",
    "&",
    "+",
    "%",
    ",",
    "$",
    "~",
    "!",
    "@",
    "*",
    "(",
    ")",
    "{",
    "}",
    "|",
    "=",
    ";",
    ":",
    "<",
    ">",
    "'",
    ".",
    "^",
    '"',
]


def test_the_forbidden_characters_are_those_of_the_installer_reference() -> None:
    assert frozenset(REFERENCE) == FORBIDDEN


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_what_fits_is_good_or_empty(raw: str) -> None:
    uid = fit_uid(raw)
    assert len(uid) <= MAX_UID
    assert not FORBIDDEN & set(uid)
    assert check_uid(uid) == ([] if uid else ["The host UID is empty."])
    assert fit_uid(uid) == uid


@given(st.text(st.sampled_from("abcXYZ019-_[]"), min_size=1, max_size=MAX_UID))
def test_a_good_uid_is_left_alone(uid: str) -> None:
    assert check_uid(uid) == []
    assert fit_uid(uid) == uid


@given(st.text("abc", max_size=5), st.sampled_from(REFERENCE), st.text("abc", max_size=5))
def test_each_forbidden_character_is_named(before: str, character: str, after: str) -> None:
    problems = check_uid(before + character + after)
    assert len(problems) == 1
    assert character in problems[0]


def test_length() -> None:
    assert check_uid("a" * 128) == []
    assert "129" in check_uid("a" * 129)[0]
    assert "U+001B" in check_uid("a\x1bb")[0]


@pytest.mark.parametrize("name", ["edge-1", "a", "0", "a.b-c.d", "a" * 63])
def test_good_host_names(name: str) -> None:
    assert check_hostname(name) == []


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a..b", "a" * 64, ".".join(["a" * 60] * 5), "é"])
def test_bad_host_names(name: str) -> None:
    assert check_hostname(name)


def test_words_of_the_two_axes() -> None:
    assert [str(state) for state in HostState] == ["unpaired", "ready", "in-use"]
    assert [f"{health}" for health in Health] == ["healthy", "unhealthy", "unknown"]


@given(st.dictionaries(st.text("abc/.-", min_size=1, max_size=8), st.text("xyz:1", max_size=8)))
def test_labels_survive_as_tags(labels: dict[str, str]) -> None:
    wanted = {key: value or BARE for key, value in labels.items()}
    assert tags_to_labels(labels_to_tags(labels)) == wanted


def test_tags() -> None:
    assert labels_to_tags({"site": "berlin", "x": BARE, "n": None}) == ["n", "site:berlin", "x"]
    assert parse_tag(" site : a:b ") == ("site", "a:b")
    for bad in ("", ":", ":x", "k" * 300, "k:" + "v" * 2000):
        with pytest.raises(ValueError, match="tag"):
            parse_tag(bad)
