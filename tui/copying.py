"""What can be copied on a screen: each with a label, the text, and whether it is a secret that no message may show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.screens.reader import ReaderScreen
from tui.widgets.lines import text_of

if TYPE_CHECKING:
    from edgewright.store.model import Model
    from tui.screens.base import BaseScreen

TOKEN_TEXT = "token text"  # noqa: S105


class Copyable(NamedTuple):
    """One text that may be copied; a secret one has no text yet, it is fetched when it was chosen."""

    label: str
    text: str
    of: str = ""
    """What it belongs to, for the message, e.g. `edge-7f3a` or `3 hosts`."""
    uid: str = ""
    """Of a secret: what to ask the plane for."""


def copyables(screen: BaseScreen, viewer: bool = False) -> list[Copyable]:
    """Return what can be copied on `screen` now, the most wanted first; `viewer` may not read the text of a token."""
    model, targets = screen.session.store.model, screen.targets()
    if isinstance(screen, ReaderScreen) and screen.text.lines:
        return [Copyable("text", text_of(screen.text.lines), screen.crumb)]
    if screen.scope == "tokens":
        return _tokens(model, targets, viewer)
    if targets and all(uid in model.hosts for uid in targets):
        return _hosts(model, targets)
    if targets:
        return [Copyable("id" if len(targets) == 1 else "ids", "\n".join(targets), _of(targets, targets))]
    return []


def _hosts(model: Model, uids: Sequence[str]) -> list[Copyable]:
    rows = [model.hosts[uid] for uid in uids]
    of = _of(uids, [row.name or row.uid for row in rows], "hosts")
    parts = (
        ("uid", [row.uid for row in rows]),
        ("name", [row.name for row in rows]),
        ("address", [row.ip or row.address for row in rows]),
    )
    return [Copyable(label, "\n".join(texts), of) for label, texts in parts if all(texts)]


def _tokens(model: Model, uids: Sequence[str], viewer: bool) -> list[Copyable]:
    rows = [model.tokens[uid] for uid in uids if uid in model.tokens]
    of = _of(uids, [row.name or row.uid for row in rows], "tokens")
    parts = (("uid", [row.uid for row in rows]), ("name", [row.name for row in rows]))
    found = [Copyable(label, "\n".join(texts), of) for label, texts in parts if all(texts)]
    if len(rows) == 1 and not viewer:
        found.insert(0, Copyable(TOKEN_TEXT, "", of, rows[0].uid))
    return found if rows else []


def _of(uids: Sequence[str], names: Sequence[str], kind: str = "entries") -> str:
    return names[0] if len(uids) == 1 else f"{len(uids)} {kind}"
