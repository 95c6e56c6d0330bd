"""Tag filters of the plane (`v1TagFilterSpec`): whether a host passes one, and conditions as text.

Standard library only, Python 3.9.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from edgewright.core.hosts.tags import BARE, MAX_KEY, MAX_VALUE


def passes(spec: Mapping[str, Any], labels: Mapping[str, object]) -> bool:
    """Return whether labels pass a filter's spec.

    A condition is that the label `key` has one of `values`, or any value without `values`; `negation` turns it round.
    The conditions count together (`and`), or one is enough (`or`). A filter without conditions passes nothing: it is
    damaged, and everything would be too much.
    """
    group = spec.get("filterGroup")
    if not isinstance(group, Mapping):
        return False
    matches = [_item(item, labels) for item in group.get("filters") or [] if isinstance(item, Mapping)]
    if not matches:
        return False
    return any(matches) if group.get("conjunction") == "or" else all(matches)


def _item(item: Mapping[str, Any], labels: Mapping[str, object]) -> bool:
    key, values = str(item.get("key") or ""), [str(value) for value in item.get("values") or []]
    present = key in labels
    value = str(labels.get(key) or "")
    stored = "" if value == BARE else value
    matched = present and (not values or stored in values or value in values)
    return matched is not bool(item.get("negation"))


def condition(text: str) -> Dict[str, Any]:
    """Return a condition (`v1TagFilterItem`) of a text: `site:berlin,bonn`, `gpu` (has the tag), `!ring:3` (not).

    Only the first colon parts; a value with a comma cannot be written. Raises `ValueError` with a sentence's words.
    """
    negation, rest = text.strip().startswith("!"), text.strip().lstrip("!")
    key, colon, listed = rest.partition(":")
    key, values = key.strip(), [value.strip() for value in listed.split(",") if value.strip()]
    if not key or (colon and not values):
        raise ValueError(f"{text[:60]!r} is not a condition; write tag:value, tag:value,value or tag")
    if len(key) > MAX_KEY or any(len(value) > MAX_VALUE for value in values):
        raise ValueError(f"{key[:40]!r} is too long: {MAX_KEY} characters for a tag, {MAX_VALUE} for a value")
    return {"key": key, "negation": negation, "operator": "eq", "values": values}


def condition_text(item: Mapping[str, Any]) -> str:
    """Return a condition as `condition` takes it; odd parts are left out."""
    values = item.get("values")
    listed = ",".join(str(value) for value in values) if isinstance(values, list) else ""
    key = str(item.get("key") or "")
    return ("!" if item.get("negation") is True else "") + (f"{key}:{listed}" if listed else key)
