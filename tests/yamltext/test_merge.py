"""Merging into YAML text: the result means the merged maps, and what is not changed stays as it was written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgewright.core.errors import InvalidInput
from edgewright.yamltext.merge import merge
from edgewright.yamltext.values import read_values
from edgewright.yamltext.writer import write

KEYS = st.sampled_from(["a", "b", "c.d", "e f", "yes", "1"])
VALUES = st.sampled_from(
    ["x", "", "two\nlines\n", "{{.spectro.var.x}}", "1.30", "007", "0x1f", "1e3", "yes", "2026-01-02", "é", 1, 1.5,
     True, None, [], [1, {"k": "v"}]]
)  # fmt: skip
SMALL = st.dictionaries(KEYS, VALUES, max_size=3)
MAPS = st.recursive(SMALL, lambda inner: st.dictionaries(KEYS, inner | VALUES, max_size=3), max_leaves=8)


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        both = isinstance(result.get(key), dict) and isinstance(value, dict)
        result[key] = _merged(result[key], value) if both else value
    return result


@given(MAPS, MAPS)
@settings(max_examples=100, deadline=None)
@example({"a": "x"}, {"a": {"b": "1.30"}})
def test_a_merge_means_the_merged_maps(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert read_values(merge(write(old), write(new))).document == _merged(old, new)


WORDS = ["1.30", "012", "0x1F", "1_000", "yes", "2026-01-02", "1e3", "12:30:45", ".5", "!!str 5", "'a'", '"b"']


@pytest.mark.parametrize("word", WORDS)
def test_words_that_are_not_changed_stay_as_they_are_written(word: str) -> None:
    text = f"# first\na: {word}  # why\nb:\n    - {word}\n    - c: {word}\n"
    assert merge(text, "z: 1\n") == f"{text}z: 1\n"
    assert merge(text, "", ["gone", "b.gone"]) == text


def test_keys_are_removed_by_their_path_also_when_they_contain_dots() -> None:
    text = "options:\n  system.uri: x  # image\n  system:\n    repo: y\n"
    assert merge(text, "", ["options.system.uri"]) == "options:\n  system:\n    repo: y\n"
    assert read_values(merge(text, "", ["options.system.repo"])).document == {
        "options": {"system.uri": "x", "system": {}}
    }


def test_references_survive_and_other_texts_are_refused() -> None:
    text = "a: {{ .spectro.var.x }} # c\nb: '{{.spectro.macro.m}}'\n"
    assert merge(text, "c: '{{.spectro.var.y}}'\n") == f"{text}c: '{{{{.spectro.var.y}}}}'\n"
    for old, new in (
        ("- a\n", "b: 1\n"),
        ("a: 1\n", "- b\n"),
        ("a: [\n", "b: 1\n"),
        ("x: " + "y" * (1024 * 1024), "b: 1\n"),
    ):
        with pytest.raises(InvalidInput):
            merge(old, new)
