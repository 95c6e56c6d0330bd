"""Parts of Palette's searches: the condition on a text (`v1FilterString`), and the order of results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def passes(text: str, rule: Mapping[str, Any]) -> bool:
    """Return whether a text passes a condition; its parts are all required. Case counts if `ignoreCase` is false."""

    def fold(value: str) -> str:
        return value.casefold() if rule.get("ignoreCase", True) else value

    value = fold(text)
    return (
        (not rule.get("eq") or value == fold(rule["eq"]))
        and (not rule.get("ne") or value != fold(rule["ne"]))
        and (not rule.get("contains") or fold(rule["contains"]) in value)
        and (not rule.get("beginsWith") or value.startswith(fold(rule["beginsWith"])))
    )


def order(body: Mapping[str, Any], default: str) -> list[tuple[str, bool]]:
    """Return the `sort` of a body as properties with whether they descend, in the order in which results are sorted.

    The last one decides, so that stable sorts one after the other give what the body asks for. A property that a body
    names again orders nothing that its first mention left equal, so it is once in the result: a body can have 2,000.
    """
    sorts: dict[str, bool] = {}
    for item in body.get("sort") or ():
        sorts.setdefault(str(item.get("field") or default), item.get("order") == "desc")
    return list(reversed(sorts.items()))
