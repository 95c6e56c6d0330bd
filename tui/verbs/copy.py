"""What can be copied on a screen: each with a label, the text, and whether it is a secret that no message may show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.store.collections.audits import AUDITS
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.selectors import listed_hosts
from edgewright.store.collections.tokens import TOKENS
from tui.frame.pager.pager import ReaderScreen
from tui.widgets.lines import text_of

if TYPE_CHECKING:
    from edgewright.store.collections.hosts import HostRow
    from edgewright.store.engine.model import Model
    from tui.frame.base import BaseScreen

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
    own: Callable[[], list[Copyable]] | None = getattr(screen, "copies", None)
    if own is not None:
        return own()
    model, targets = screen.session.store.model, screen.targets()
    if isinstance(screen, ReaderScreen) and screen.text.lines:
        return [Copyable("text", text_of(screen.text.lines), screen.crumb)]
    if screen.scope == "tokens":
        return _tokens(model, targets, viewer)
    if screen.scope == "feed":
        return _entries(model, targets or (screen.target.partition("/")[2],))
    if screen.scope == "installers":
        return _builds(getattr(screen, "builds", None) or {}, targets)
    hosts = model.hosts if screen.scope == "clusters" else listed_hosts(model)
    if targets and all(uid in hosts for uid in targets):
        return _hosts(hosts, targets)
    if targets:
        return [Copyable("id" if len(targets) == 1 else "ids", "\n".join(targets), _of(targets, targets))]
    return []


def _hosts(hosts: Mapping[str, HostRow], uids: Sequence[str]) -> list[Copyable]:
    rows = [hosts[uid] for uid in uids]
    of = _of(uids, [row.name or row.uid for row in rows], "hosts")
    parts = (
        ("uid", [row.uid for row in rows]),
        ("name", [row.name for row in rows]),
        ("address", [row.ip or row.address for row in rows]),
    )
    return [Copyable(label, "\n".join(texts), of) for label, texts in parts if all(texts)]


def _tokens(model: Model, uids: Sequence[str], viewer: bool) -> list[Copyable]:
    rows = [model.rows(TOKENS)[uid] for uid in uids if uid in model.rows(TOKENS)]
    of = _of(uids, [row.name or row.uid for row in rows], "tokens")
    parts = (("uid", [row.uid for row in rows]), ("name", [row.name for row in rows]))
    matches = [Copyable(label, "\n".join(texts), of) for label, texts in parts if all(texts)]
    if len(rows) == 1 and not viewer:
        matches.insert(0, Copyable(TOKEN_TEXT, "", of, rows[0].uid))
    return matches if rows else []


def _entries(model: Model, uids: Sequence[str]) -> list[Copyable]:
    """Return sentence and object of entries of the feed or the audit log."""
    matches: list[tuple[str, str, str]] = []
    for uid in uids:
        event, entry = model.rows(FEED).get(uid), model.rows(AUDITS).get(uid)
        if event is not None:
            matches.append((event.message, event.object_uid, event.object_name or event.object_uid))
        elif entry is not None:
            matches.append((entry.message, entry.resource_uid, entry.resource or entry.resource_uid))
    of = _of(matches, [name for _, _, name in matches], "entries")
    parts = (("message", [entry[0] for entry in matches]), ("uid", [entry[1] for entry in matches]))
    return [Copyable(label, "\n".join(texts), of) for label, texts in parts if matches and all(texts)]


def _builds(builds: Mapping[str, Any], uids: Sequence[str]) -> list[Copyable]:
    """Return paths and ids of builds; `builds` are those of `commands.installer.view`, by id."""
    shown = [builds[uid].build for uid in uids if uid in builds]
    of = _of(shown, [build.name for build in shown], "builds")
    parts = (("path", [path for build in shown for path in build.outputs[:1]]), ("id", [build.id for build in shown]))
    return [Copyable(label, "\n".join(texts), of) for label, texts in parts if texts]


def _of(uids: Sequence[object], names: Sequence[str], kind: str = "entries") -> str:
    return names[0] if len(uids) == 1 and names else f"{len(uids)} {kind}"
