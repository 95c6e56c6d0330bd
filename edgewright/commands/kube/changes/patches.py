"""What differs between two documents as a merge patch (RFC 7386), and what of it changed meanwhile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN, HIDDEN_NEW = "(hidden)", "(hidden, changed)"
MAX_DEPTH = 100
_SECRET = re.compile(
    r"pass(?:wd|word|phrase)?s?\Z|token\Z|secret\Z|api_?-?key\Z|private_?-?key\Z|credentials?\Z", re.IGNORECASE
)


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch that makes `after` of `before`: maps field by field, lists completely, None for what goes."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        former = before.get(name)
        if isinstance(value, dict) and isinstance(former, dict):
            if below := merge_patch(former, value):
                patch[name] = below
        elif name not in before or value != former:
            patch[name] = value
    return patch


def stale(before: Mapping[str, Any], now: Mapping[str, Any], patch: Mapping[str, Any], path: str = "") -> str:
    """Return the first field of a patch whose value is not as it was any more; empty when all are."""
    for name, value in patch.items():
        place = f"{path}.{name}" if path else name
        former, present = before.get(name), now.get(name)
        if isinstance(value, dict) and isinstance(former, dict) and isinstance(present, dict):
            if changed := stale(former, present, value, place):
                return changed
        elif former != present:
            return place
    return ""


def concealed(value: Any, other: Any, name: str = "", depth: int = 0) -> Any:
    """Return a document with values of secret names hidden; one that differs from that of `other` is marked."""
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, Mapping):
        beside = other if isinstance(other, Mapping) else {}
        entry = value.get("name")
        known = isinstance(entry, str) and "value" in value  # a variable of a container: its name is beside its value
        return {
            key: concealed(each, beside.get(key), str(entry) if known and key == "value" else str(key), depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list):
        others = other if isinstance(other, list) else []
        beside_each = [*others[: len(value)], *[None] * max(len(value) - len(others), 0)]
        return [concealed(each, another, name, depth + 1) for each, another in zip(value, beside_each, strict=True)]
    if isinstance(value, str) and value and _SECRET.search(name):
        return HIDDEN if value == other else HIDDEN_NEW
    return value
