"""One event or audit entry in full, with the way to the host that it is about."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on

from edgewright.commands.kernel.base import Scope
from edgewright.store.collections.audits import AUDITS
from edgewright.store.collections.feed import FEED
from tui.frame.facts_screen import FactsScreen
from tui.frame.links import open_key
from tui.screens.feed.content import audit_lines, audit_name, event_lines, leads
from tui.widgets.line_view import LineView
from tui.widgets.lines import line


class EntryScreen(FactsScreen):
    """Shows what `target` (`events/<uid>` or `audit/<uid>`) names."""

    scope: ClassVar[Scope] = "feed"
    view = "entry"
    collections = frozenset({FEED.name, AUDITS.name})
    hints = ("yaml",)

    @property
    def crumb(self) -> str:
        """Show that it is one entry."""
        return "entry"

    def link(self) -> str:
        """Return where enter leads (`host/<uid>`, `token/<uid>`), `""` when the thing cannot be opened."""
        kind, _, uid = self.target.partition("/")
        model = self.session.store.model
        event, entry = model.rows(FEED).get(uid), model.rows(AUDITS).get(uid)
        if kind == "audit" and entry:
            return leads(entry.kind, entry.resource_uid, model)
        return leads(event.kind, event.object_uid, model) if event else ""

    def working_hints(self) -> tuple[str, ...]:
        """Offer to open the thing only when there is one."""
        opens, _, _ = self.link().partition("/")
        return (f"nav-open=open {opens}", *self.hints) if opens else self.hints

    def select(self) -> None:
        """Show the entry."""
        view = self.query_one("#facts", LineView)
        kind, _, uid = self.target.partition("/")
        width = min(view.room or self.size.width, 100)
        model = self.session.store.model
        event, entry = model.rows(FEED).get(uid), model.rows(AUDITS).get(uid)
        if kind == "audit" and entry:
            view.set_lines(audit_lines(entry, self.now, width, audit_name(entry, model), self.link()))
        elif kind == "events" and event:
            view.set_lines(event_lines(event, self.now, width, self.link()))
        else:
            view.set_lines([line(("○ ", "muted"), "This entry is no longer cached; the plane still has it.")])

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    def action_yaml(self) -> None:
        """Show the document as the plane sent it."""
        open_key(self.app, f"raw/{self.target}")

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        open_key(self.app, event.key)
