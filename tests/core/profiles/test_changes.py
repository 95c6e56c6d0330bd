"""What differs between two contents of a version, and covered values that come back as they were."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgewright.core.profiles.changes import changed_parts, with_covered
from edgewright.core.profiles.model import Layer, Manifest, Profile, Variable
from edgewright.core.profiles.secrets import covered_text
from edgewright.core.profiles.variables import COVER
from edgewright.yamltext.values import read_values
from edgewright.yamltext.writer import write

APP = Layer("app", "addon", "1.0.0", "1.0.0", values="a: 1\n", manifests=(Manifest("m", "kind: A\n"),))
OTHER = Layer("other", "addon", "2.0.0", "2.0.0")
PROFILE = Profile("shop", layers=(APP, OTHER), variables=(Variable("x"), Variable("y")), labels={"team": "a"})


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({}, ()),
        (
            {"description": "d", "labels": {}, "type": "add-on", "cloud": "all"},
            ("type", "cloud", "description", "labels"),
        ),
        ({"layers": (dataclasses.replace(APP, values="a: 2\n"), OTHER)}, ("layer app: values",)),
        (
            {"layers": (dataclasses.replace(APP, version="2", tag="2", manifests=()), OTHER)},
            ("layer app: version, manifests",),
        ),
        ({"layers": (OTHER, APP)}, ("order of the layers",)),
        ({"layers": (OTHER,)}, ("layer app: removed",)),
        ({"layers": (APP, OTHER, OTHER)}, ("layer other (2): added",)),
        ({"variables": (Variable("y"), Variable("x"))}, ("order of the variables",)),
        (
            {"variables": (Variable("x", default="1"), Variable("z"))},
            ("variable x: changed", "variable z: added", "variable y: removed"),
        ),
        ({"extra": {"document": {"theirs": 1}}}, ("what other programs wrote into it",)),
        ({"version": "9.9.9", "uid": "u", "state": "published"}, ()),
    ],
)
def test_what_differs_is_named(change: dict[str, Any], parts: tuple[str, ...]) -> None:
    assert changed_parts(PROFILE, dataclasses.replace(PROFILE, **change)) == parts


TEXT = st.text(st.sampled_from(list("abc :#'\"{}[]-,&*!|>%@`~\\0123\u00e9")), min_size=1, max_size=12)
TREE = TEXT | st.integers() | st.lists(TEXT, max_size=2) | st.dictionaries(TEXT, TEXT, max_size=2)


@given(st.dictionaries(TEXT.filter(lambda key: key != "<<"), TREE, min_size=1, max_size=3), st.data())
@settings(max_examples=40, deadline=None)
def test_what_was_covered_comes_back_as_it_was(document: dict[str, Any], data: st.DataObject) -> None:
    text = write(document)
    values = read_values(text)
    paths = [path for path, scalar in values.scalars.items() if scalar.raw and scalar.style in ("", "'", '"')]
    if not paths:
        return
    secrets = frozenset(data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=3)))
    covered = covered_text(values, secrets)
    assert with_covered(read_values(covered), values) == text


@given(TEXT, TEXT)
@settings(max_examples=20, deadline=None)
@example("a", "b")
def test_a_value_that_is_given_is_that_value(before: str, after: str) -> None:
    old, new = read_values(write({"key": before, "same": "x"})), read_values(write({"key": after, "same": COVER}))
    assert read_values(with_covered(new, old)).document == {"key": after if after != COVER else before, "same": "x"}


def test_what_is_not_stored_stays_covered() -> None:
    new = read_values(f"a: '{COVER}' # why\nb: {COVER!r}\n")
    assert with_covered(new, read_values("a: secret\nb: |\n  two\n  lines\n")) == f"a: secret # why\nb: {COVER!r}\n"
    assert with_covered(new, read_values("c: 1\n")) == new.text
