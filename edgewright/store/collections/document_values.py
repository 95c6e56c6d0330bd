"""Reading values out of a plane's document, as tolerant as the planes are loose.

Keys may be in another case, any list or object may be `null`, a number may be a text. What cannot be read is
unknown, never an error: one odd host must not hide the other thousands.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from edgewright.core import times
from edgewright.core.text import clean

EMPTY: Mapping[str, Any] = {}

EXTENSION = "edgewright"
"""The one key under which our extensions are in metadata, spec and status."""


def value(obj: Mapping[str, Any], key: str) -> Any:
    """Return the value of `key`, whatever its case; `None` when it is not there."""
    result = obj.get(key)
    if result is not None or key in obj:
        return result
    low = key.lower()
    for name, other in obj.items():
        if name.lower() == low:
            return other
    return None


def part(obj: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under `key`, an empty one when there is none."""
    result = value(obj, key)
    return result if isinstance(result, dict) else EMPTY


def parts(obj: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list under `key`."""
    result = value(obj, key)
    return [item for item in result if isinstance(item, dict)] if isinstance(result, list) else []


def text(obj: Mapping[str, Any], key: str, limit: int = 1024) -> str:
    """Return the text under `key`, made harmless; `""` when it is not there."""
    result = value(obj, key)
    if isinstance(result, str):
        return tidy(result) if limit == 1024 else clean(result, limit=limit)
    return "" if result is None or isinstance(result, (dict, list)) else clean(result, limit=limit)


@lru_cache(maxsize=4096)
def tidy(result: str) -> str:
    """Clean a text; the same few texts (sites, versions, reasons) come thousands of times, so they are remembered."""
    return clean(result)


def number(obj: Mapping[str, Any], key: str) -> float | None:
    """Return the finite number under `key`, `None` when there is none."""
    result = value(obj, key)
    if isinstance(result, bool) or not isinstance(result, (int, float)):
        return None
    return float(result) if -1e18 < result < 1e18 else None


def integer(obj: Mapping[str, Any], key: str) -> int | None:
    """Return the integer under `key`, `None` when there is none."""
    result = number(obj, key)
    return None if result is None else int(result)


def when(obj: Mapping[str, Any], key: str) -> float | None:
    """Return the time under `key` in epoch seconds; unset and unreadable times are `None`."""
    result = value(obj, key)
    return moment(result) if isinstance(result, str) else None


@lru_cache(maxsize=8192)
def moment(result: str) -> float | None:
    """Parse one time text; a page of hosts repeats the same few thousand. Each heartbeat has a new one: bounded."""
    try:
        return times.parse(result)
    except ValueError:
        return None


def flag(obj: Mapping[str, Any], key: str) -> bool:
    """Return whether `key` is a plain true."""
    return value(obj, key) is True


MAX_ITEMS = 64
"""Texts of one list, or tags of one host, that a row contains; the document has all of them."""


def texts(obj: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the texts of the list under `key`, at most `MAX_ITEMS`."""
    items = value(obj, key)
    return tuple(tidy(item) for item in items[:MAX_ITEMS] if isinstance(item, str)) if isinstance(items, list) else ()
