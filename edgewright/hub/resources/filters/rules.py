"""What a tag filter may be (`v1TagFilterSpec`)."""

from __future__ import annotations

from typing import Any

from edgewright.core.hosts.tags import MAX_KEY, MAX_VALUE
from edgewright.hub.http import problems
from edgewright.hub.http.problems import invalid

MOST_ITEMS = 50
"""Conditions of one filter."""
MOST_VALUES = 100
"""Values of one condition."""
_GROUP = "spec.filterGroup"


def check_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of a filter to store; raises 422."""
    group = spec.get("filterGroup") or {}
    items = group.get("filters") or []
    if not items:
        raise invalid(problems.REQUIRED, f"{_GROUP}.filters in body is required")
    if len(items) > MOST_ITEMS:
        raise invalid(problems.MAX_ITEMS, f"{_GROUP}.filters in body should have at most {MOST_ITEMS} items")
    matches = [_item(item or {}, f"{_GROUP}.filters.{number}") for number, item in enumerate(items)]
    return {**spec, "filterGroup": {**group, "conjunction": group.get("conjunction") or "and", "filters": matches}}


def _item(item: dict[str, Any], path: str) -> dict[str, Any]:
    key, values = str(item.get("key") or "").strip(), [str(value or "") for value in item.get("values") or []]
    if not key:
        raise invalid(problems.REQUIRED, f"{path}.key in body is required")
    if len(key) > MAX_KEY or any(len(value) > MAX_VALUE for value in values):
        raise invalid(problems.TOO_LONG, f"{path} in body: keys have {MAX_KEY} characters, values {MAX_VALUE} at most")
    if len(values) > MOST_VALUES:
        raise invalid(problems.MAX_ITEMS, f"{path}.values in body should have at most {MOST_VALUES} items")
    negation = bool(item.get("negation", False))
    return {**item, "key": key, "negation": negation, "operator": item.get("operator") or "eq", "values": values}
