"""Palette's condition on a text in searches (`v1FilterString`)."""

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
