"""Secrets are taken out of documents before they become events: the log is recorded, cached and sent to others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

SECRETS: Final = frozenset(
    name.lower()
    for name in (
        "token",
        "hostAuthToken",
        "hostPairingKey",
        "serviceAuthToken",
        "password",
        "privateKey",
        "sshKey",
        "packServerSecret",
        "apiKey",
        "activationLink",
    )
)
"""Keys whose text values are secrets, in any case, wherever they are."""


def redact(doc: dict[str, Any]) -> dict[str, Any]:
    """Return the document without its secrets; the same object when it has none."""
    cleaned = _clean(doc, 0)
    return cleaned if isinstance(cleaned, dict) else {}


def redact_all(docs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return all documents without their secrets."""
    return [redact(doc) for doc in docs]


def _clean(value: Any, depth: int) -> Any:
    if depth > 60:
        return None
    if isinstance(value, dict):
        changed: dict[str, Any] | None = None
        for key, item in value.items():
            if isinstance(item, str):
                if key.lower() not in SECRETS:
                    continue
                cleaned: Any = None
            elif isinstance(item, dict | list):
                cleaned = _clean(item, depth + 1)
                if cleaned is item:
                    continue
            else:
                continue
            changed = dict(value) if changed is None else changed
            if cleaned is None:
                del changed[key]
            else:
                changed[key] = cleaned
        return value if changed is None else changed
    if isinstance(value, list):
        items = [_clean(item, depth + 1) if isinstance(item, dict | list) else item for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value
