"""Where a line leads: `host/<uid>`, `token/<uid>`, `hosts/<filter>`, `events`, ... opened as a view."""

from __future__ import annotations

from typing import Any

from textual.app import App


def open_key(app: App[Any], key: str, start: bool = False) -> None:
    """Open what a line's key names, with `start` on a path of its own; a key that names no view opens nothing."""
    view, _, target = key.partition("/")
    opener = getattr(app, "open_view", None)
    if opener is not None and view in VIEWS:
        opener(view, target, start)


VIEWS = frozenset({"host", "hosts", "token", "tokens", "events", "audit", "entry", "raw", "logs", "installer"})
"""Views that a line may lead to."""
