"""Audit: who changed what, when and from where, newest first; what hosts did themselves only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.core.filters.fields import AUDIT_FIELDS
from edgewright.store.collections.audits import AUDITS, AuditRow
from edgewright.store.engine import model as names
from tui.frame.lists.listing import Listed
from tui.screens.feed.content import audit_actor, audit_cells, audit_lines, audit_name, audit_text, by_people, together
from tui.screens.feed.screen import FeedScreen
from tui.widgets.lines import Line, line
from tui.widgets.table_layout import Column


def _values(entry: AuditRow, name: str) -> Callable[[str], object]:
    """Give a filter the name that is shown, and the uid of the thing still."""
    return lambda field: name if field == "resource" else entry.get(field)


class AuditScreen(FeedScreen):
    """Audit entries of the plane; tab goes to the events.

    Registrations of hosts are most of an audit log (500 of 508 on a new fleet): they are shown on demand. So is each
    of several equal entries in a row (a log that is followed asks the host every 30 s).
    """

    scope: ClassVar[Scope] = "feed"
    view = "audit"
    kind = "audit entries"
    other = "events"
    hints = ("nav-open=open", "filter", "audit-everyone", "follow", "nav-next=other feed", "yaml")
    frozen = 1
    filter_fields = AUDIT_FIELDS
    filter_example = "actor:noc  action:delete  kind:edgehost  from:10.4.0.77  age<1d  /regex/  free text"
    collections = frozenset({AUDITS.name, names.SOURCE})
    table_columns = (
        Column("time", "TIME", 9, most=12),
        Column("who", "WHO", 6, most=24),
        Column("action", "DID", 7),
        Column("thing", "WHAT", 12, most=40),
        Column("message", "MESSAGE", 30, weight=1),
        Column("from", "FROM", 9, most=39, optional=True),
    )

    def begin(self) -> None:
        """Begin with the entries of people."""
        self.everyone = False
        self._left_out = self._repeated = 0
        super().begin()

    def count(self) -> str:
        """Return how many are shown, and how many entries of hosts and of the plane itself are not."""
        left_out = f"  {self._left_out:,} of hosts left out" if self._left_out else ""
        return super().count() + left_out

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on the entries that are there; where none is left out there is none to show besides."""
        hidden = self._left_out or self._repeated or self.everyone
        return tuple(entry for entry in super().working_hints() if hidden or entry != "audit-everyone")

    def listed(self) -> list[Listed]:
        """Return the entries of the model, newest first: those of people, or all."""
        model, now, matches = self.session.store.model, self.now, []
        entries = sorted(model.rows(AUDITS).values(), key=lambda entry: -entry.at)
        wanted = entries if self.everyone else [entry for entry in entries if by_people(entry)]
        self._left_out = len(entries) - len(wanted)
        for entry, times in ((item, 1) for item in wanted) if self.everyone else together(wanted):
            name = audit_name(entry, model)
            cells = audit_cells(entry, now, model.source.away, name, audit_actor(entry, model), times)
            thing, parts = cells[3].text.lower(), audit_text(entry, name)
            order = (-entry.at, cells[1].text.lower(), entry.action, thing, parts, entry.address)
            matches.append(Listed(entry.uid, cells, order, _values(entry, name)))
        self._repeated = len(wanted) - len(matches)
        return matches

    def empty(self) -> list[Line]:
        """Return why nothing is listed, and how many entries of hosts there are."""
        lines = super().empty()
        if self._left_out:
            lines.append(
                line(
                    f"  {self._left_out:,} entries of hosts themselves are left out; ", ("e", "accent"), " shows them."
                )
            )
        return lines

    def action_everyone(self) -> None:
        """Show what hosts and the plane itself did as well, or what people did alone."""
        self.everyone = not self.everyone
        self.select()

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the entry under the cursor in full."""
        entry = self.session.store.model.rows(AUDITS).get(key)
        return audit_lines(entry, self.now, width, audit_name(entry, self.session.store.model)) if entry else []
