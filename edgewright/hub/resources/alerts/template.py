"""The JSON body of a webhook: Palette's form, a JSON text of the user's with `{{message}}` and its like in strings."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_FIELD = re.compile(r"\{\{\s*([A-Za-z]+)\s*\}\}")
FIELDS = (
    "message", "event", "component", "deliveryId", "key", "kind", "subject", "text", "nextStep", "owner", "project",
    "hosts", "severity", "time", "since", "acknowledgedBy", "assignee", "note",
)  # fmt: skip
"""Names that a body may use between double braces."""
MOST = 16_384
"""Characters of a body."""


def check(text: str) -> None:
    """Raise `ValueError` when a body is not JSON, is too long, or uses a name that does not exist."""
    if len(text) > MOST:
        raise ValueError(f"it has {len(text)} characters, at most {MOST} are allowed")
    for name in _FIELD.findall(text):
        if name not in FIELDS:
            raise ValueError(f"{{{{{name}}}}} does not exist; use one of {', '.join(FIELDS)}")
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"it is not valid JSON ({error}); put each {{{{name}}}} into a string") from None


def fill(text: str, values: dict[str, Any]) -> bytes:
    """Return the body with its fields filled in; values go into JSON strings only, so they cannot change its form."""
    return msgspec.json.encode(_walk(msgspec.json.decode(text), values))


def _walk(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return _FIELD.sub(lambda match: str(values.get(match[1], "")), value)
    if isinstance(value, dict):
        return {key: _walk(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, values) for item in value]
    return value
