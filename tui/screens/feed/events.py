"""Events: what the plane and the hosts reported, newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.core.filters.fields import EVENT_FIELDS
from edgewright.store.collections.feed import FEED, EventRow
from edgewright.store.collections.hosts import HostRow
from edgewright.store.engine import model as names
from tui.frame.feed import severity
from tui.frame.lists.listing import Listed
from tui.screens.feed.content import event_cells, event_lines
from tui.screens.feed.screen import FeedScreen
from tui.widgets.lines import Line
from tui.widgets.table_layout import Column


def _values(event: EventRow, host: HostRow | None) -> Callable[[str], object]:
    if host is None:
        return event.get
    worked_out = {"object_name": host.name, "site": host.site}
    return lambda name: worked_out[name] if name in worked_out else event.get(name)


class EventsScreen(FeedScreen):
    """Component events of all hosts; tab goes to the audit entries."""

    scope: ClassVar[Scope] = "feed"
    view = "events"
    kind = "events"
    other = "audit"
    filter_fields = EVENT_FIELDS
    filter_example = "severity:warning,error  site:berlin  reason:HostUnhealthy  age<2h  /regex/  free text"
    collections = frozenset({FEED.name, names.SOURCE})
    table_columns = (
        Column("time", "TIME", 9, most=12),
        Column("sign", " ", 1),
        Column("about", "ABOUT", 6, most=40),
        Column("message", "WHAT", 34, weight=1),
        Column("reason", "REASON", 8, most=24, optional=True),
    )

    def listed(self) -> list[Listed]:
        """Return all events that the model stores, newest first."""
        model, now, matches = self.session.store.model, self.now, []
        rank = {"error": 0, "warning": 1}
        for event in sorted(model.rows(FEED).values(), key=lambda event: -event.at):
            host = model.hosts.get(event.object_uid)
            order = (-event.at, rank.get(severity(event)[1], 2), event.object_name, event.message, event.reason)
            matches.append(
                Listed(
                    event.uid,
                    event_cells(event, now, model.source.away, host.name if host else ""),
                    order,
                    _values(event, host),
                )
            )
        return matches

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the event under the cursor in full."""
        event = self.session.store.model.rows(FEED).get(key)
        return event_lines(event, self.now, width) if event else []
