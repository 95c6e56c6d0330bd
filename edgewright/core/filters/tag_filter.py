"""Whether a host passes a tag filter of the plane (`v1TagFilterSpec`). Standard library only, Python 3.9."""

from __future__ import annotations

from typing import Any, Mapping

from edgewright.core.hosts.tags import BARE


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
