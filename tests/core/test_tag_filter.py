"""Whether labels pass a tag filter of the plane."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.filters.tag_filter import passes


def spec(*items: tuple[str, list[str], bool], conjunction: str = "and") -> dict[str, Any]:
    filters = [
        {"key": key, "values": values, "negation": negation, "operator": "eq"} for key, values, negation in items
    ]
    return {"filterGroup": {"conjunction": conjunction, "filters": filters}}


LABELS = {"site": "berlin", "bare": "spectro__tag"}


@pytest.mark.parametrize(
    ("filter_spec", "expected"),
    [
        (spec(("site", ["berlin", "oslo"], False)), True),
        (spec(("site", ["oslo"], False)), False),
        (spec(("site", ["oslo"], True)), True),
        (spec(("site", [], False)), True),
        (spec(("none", [], False)), False),
        (spec(("none", ["x"], True)), True),
        (spec(("bare", [""], False)), True),
        (spec(("site", ["berlin"], False), ("none", [], False)), False),
        (spec(("site", ["berlin"], False), ("none", [], False), conjunction="or"), True),
        (spec(), False),
        ({}, False),
        ({"filterGroup": "damaged"}, False),
    ],
)
def test_passes(filter_spec: dict[str, Any], expected: bool) -> None:
    assert passes(filter_spec, LABELS) is expected
