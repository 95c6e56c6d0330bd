"""Audit: who changed what, when and from where, newest first."""

from __future__ import annotations

from typing import ClassVar

from edgewright.commands.base import Scope
from edgewright.core.filterfields import AUDIT_FIELDS
from edgewright.store import model as names
from tui.screens.feed import FeedScreen
from tui.screens.feed_content import audit_cells, audit_lines
from tui.screens.listing import Listed
from tui.widgets.lines import Line
from tui.widgets.table_layout import Column


class AuditScreen(FeedScreen):
    """Audit entries of the plane; tab goes to the events."""

    scope: ClassVar[Scope] = "feed"
    view = "audit"
    kind = "audit entries"
    other = "events"
    held = 1
    filter_fields = AUDIT_FIELDS
    filter_example = "actor:noc  action:delete  kind:edgehost  from:10.4.0.77  age<1d  /regex/  free text"
    collections = frozenset({names.AUDITS, names.SOURCE})
    table_columns = (
        Column("time", "TIME", 12),
        Column("who", "WHO", 14, weight=1),
        Column("action", "DID", 7),
        Column("thing", "WHAT", 18, weight=2),
        Column("message", "IN WORDS", 20, weight=4),
        Column("from", "FROM", 11),
    )

    def listed(self) -> list[Listed]:
        """Return all entries that the model keeps, newest first."""
        model, now, found = self.session.store.model, self.now, []
        for entry in sorted(model.audits.values(), key=lambda entry: -entry.at):
            thing = f"{entry.kind} {entry.resource}"
            order = (-entry.at, entry.actor, entry.action, thing, entry.message, entry.address)
            found.append(Listed(entry.uid, audit_cells(entry, now, model.source.away), order, entry.get))
        return found

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the entry under the cursor in whole."""
        entry = self.session.store.model.audits.get(key)
        return audit_lines(entry, self.now, width) if entry else []
