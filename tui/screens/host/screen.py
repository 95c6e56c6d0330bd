"""One host: its health with reason and clock first, then all that is known of it, each value with its age."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult

from edgewright.commands.kernel import registry
from edgewright.commands.kernel.base import BY_HOST, Scope
from edgewright.commands.kernel.host_states import illegal_verbs
from edgewright.core.errors import EdgewrightError
from edgewright.store.collections.alerts import ALERTS
from edgewright.store.collections.conditions import condition_of
from edgewright.store.collections.feed import FEED, EventRow
from edgewright.store.collections.hosts import HostRow
from edgewright.store.collections.operations import OPERATIONS
from edgewright.store.collections.problems import DISK_FULL, explain
from edgewright.store.collections.rows import targets_of
from edgewright.store.collections.selectors import neighbours, operations_of
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Patch
from tui.frame.ages import calm_age
from tui.frame.base import BaseScreen
from tui.frame.feed import FeedLine, feed_line
from tui.frame.fetch import fetch_document, fetch_events, fetch_operations, known_document, sentence
from tui.frame.links import OpensSite, open_key
from tui.screens.doctor.title import site_title
from tui.screens.host.content import HostFacts, body, columns_of, event_lines
from tui.screens.host.neighbours import neighbour_lines, neighbours_of
from tui.screens.host.of_site import is_stale, site_facts
from tui.verbs.bindings import move_bindings, working_on
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line

TWO, THREE = 120, 180
FRESH = 5.0
"""Seconds for which what was read of a site is not read again."""
WRITES = ("host-tag", "host-untag", "host-reboot", "host-reset", "host-delete")
ON_HOST = (*WRITES, "host-logs", "host-disk", "host-preflight")


class HostScreen(BaseScreen, OpensSite):
    """Shows the row at once, fetches the document beside it, and follows both while it is open."""

    scope: ClassVar[Scope] = "host"
    view = "host"
    collections = frozenset({names.HOSTS, FEED.name, OPERATIONS.name, names.SOURCE, ALERTS.name})
    hints = (
        "host-logs", "site-open=site", "yaml", "host-tag", "host-untag", "copy", "retry=fetch again", "host-reset",
        "host-delete",
    )  # fmt: skip
    BINDINGS = move_bindings({"nav-back": "back_or_stop", "nav-unfold": "unfold"})
    DEFAULT_CSS = """
    HostScreen {
        & #facts { width: 1fr; }
        & #parts { width: 1fr; display: none; border-left: solid $muted; padding-left: 1; }
        & #feed { width: 1fr; display: none; border-left: solid $muted; padding-left: 1; }
        &.-wide #parts, &.-wall #parts { display: block; }
        &.-wall #feed { display: block; }
    }
    """

    def compose_body(self) -> ComposeResult:
        """Yield one column, and two more for wide terminals."""
        yield LineView(id="facts")
        yield LineView(id="parts")
        yield LineView(id="feed")

    def begin(self) -> None:
        """Show what is known, and ask the plane for the rest."""
        super().begin()
        self._doc: dict[str, Any] | None = known_document(self.session, names.HOSTS, self.target)
        self._fetched: float | None = None
        self._fetching = False
        self._error = ""
        self._unfold = False
        self.query_one("#facts").focus()
        if self.session.replay is None:
            self.fetch()

    @property
    def crumb(self) -> str:
        """The host's name; the title has it where it is open by SSH."""
        if self.reached:
            return "Host"
        row = self.session.store.model.hosts.get(self.target)
        return row.name if row else self.target

    def count(self) -> str:
        """Return how old the document is."""
        if self._fetching:
            return "fetching ..."
        return "" if self._fetched is None else f"fetched {calm_age(self._fetched, self.now)}"

    @property
    def reached(self) -> str:
        """The target of the site that is shown, of which the plane need not know; empty for a host of the plane.

        While its connection is away it is another one that is up and leads to the same host.
        """
        return self.way(self.target).removeprefix(BY_HOST) if self.target.startswith(BY_HOST) else ""

    def head_line(self, width: int) -> Line:
        """Return the title: of the plane, or of the site."""
        site = self.session.sites.get(self.reached) if self.reached else None
        return super().head_line(width) if site is None else site_title(site, self.now, width, self.session.read_only)

    def targets(self) -> tuple[str, ...]:
        """Return this host."""
        return (self.target,)

    def facts(self) -> HostFacts:
        """Return all that is known of the host now."""
        model = self.session.store.model
        if self.reached:
            sites, row = self.session.sites, model.site_hosts.get(self.target)
            others = (
                [sites[each] for each in targets_of(row.sites) if each in sites and each != self.reached] if row else []
            )
            return site_facts(sites.get(self.reached), self.reached, self.now, others)
        row = model.hosts.get(self.target)
        extra: dict[str, Any] = {
            "doc": self._doc,
            "fetched_at": self._fetched if self._fetched is not None else (row.fetched_at if row else None),
            "fetching": self._fetching,
            "error": self._error,
            "lost": model.source.away,
        }
        if row is None:
            removed = self._error or "This host is not in the list any more: it was deleted, or is in another project."
            return HostFacts(self.target, self.target, self.now, **{**extra, "error": removed})
        others = neighbours(model, row)
        return HostFacts(
            name=row.name,
            uid=row.uid,
            now=self.now,
            state=row.state,
            health=row.health,
            reason=explain(model, row, self.now, others) or row.reason,
            since=row.since,
            condition=condition_of(model, row, self.now, others),
            absent=registry.absent("host", model.source.missing),
            last_seen=row.last_seen,
            site=row.site,
            tags=row.tags,
            also=_also(row),
            simulated=row.simulated,
            operations=tuple(operations_of(model, self.target)),
            observed=row.observed,
            **extra,
        )

    def select(self) -> None:
        """Show all of it; the document in hand may be newer than the one that was fetched."""
        stored = known_document(self.session, names.HOSTS, self.target)
        if stored is not None and stored != self._doc:
            self._doc = stored
            row = self.session.store.model.hosts.get(self.target)
            self._fetched = row.fetched_at if row else self._fetched
        self._show()

    def patched(self, patches: Sequence[Patch]) -> None:
        """Show it again when this host, its events or the plane's state changed."""
        if any(patch.collection != names.HOSTS or patch.key in ("", self.target) for patch in patches):
            self.select()

    def tick(self) -> None:
        """Update the ages."""
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self._show)

    def _events(self) -> list[EventRow]:
        feed = self.session.store.model.rows(FEED).values()
        return sorted((event for event in feed if event.object_uid == self.target), key=lambda event: -event.at)

    def _feed_lines(self) -> list[FeedLine]:
        row = self.session.store.model.hosts.get(self.target)
        name = row.name if row else ""
        return [feed_line(event, name, own=True) for event in self._events()]

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on this host, or without it when it is not known."""
        if self.reached:  # all that works without a plane; Doctor has the rest
            return ("site-open=doctor", "yaml", "copy", "retry=read again")
        return working_on(self.hints, int(self.target in self.session.store.model.hosts))

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return what its state does not allow, and every change of one that is only observed."""
        row = self.session.store.model.hosts.get(self.target)
        shut = self.session.changes_refused or row is None or row.observed
        refused = super().refused(entries) | frozenset(WRITES if shut else ()) | self.undialled()
        return refused if row is None else refused | illegal_verbs(self.session.store.model, row, ON_HOST)

    def _show(self) -> None:
        if not self.is_there or not self.size.width:
            return
        facts, reported = self.facts(), self._feed_lines()
        views = [self.query_one(f"#{name}", LineView) for name in ("facts", "parts", "feed")]
        for view in views:
            view.set_dimmed(facts.lost or (bool(self.reached) and is_stale(self.session.sites.get(self.reached))))
        width = views[0].room or self.size.width
        if self.size.width < TWO:
            views[0].set_lines(body(facts, reported, width, self._unfold))
            return
        height = views[0].size.height or self.size.height - 6
        left, right = columns_of(facts, width, self._unfold, views[1].room or width - 2)
        if self.size.width < THREE:
            left += [Line(), *event_lines(reported, width, now=self.now, most=2)]
            right += self._neighbours(views[1].room or width - 2, height - len(right))
        else:
            room = views[2].room or width - 2
            listed = event_lines(reported, room, now=self.now, most=2)
            others = self._neighbours(room, max(height - len(listed), height // 3))
            if len(listed) > height - len(others):  # events give way: as many as there is room for, one line each
                listed = event_lines(reported, room, height - len(others) - 1, self.now)
            views[2].set_lines([*listed, *others])
        views[0].set_lines(left)
        views[1].set_lines(right)

    def _neighbours(self, width: int, height: int) -> list[Line]:
        hosts, row = self.session.store.model.hosts, self.session.store.model.hosts.get(self.target)
        rows = neighbours_of(self.target, hosts.values(), row.site) if row else []
        lines = neighbour_lines(rows, row.site if row else "", self.now, width, height - 1)
        return [Line(), *lines] if lines else []

    def fetch(self) -> None:
        """Ask the plane for the document and the events; a site has read its own."""
        if self.reached:
            self._read_site()
            return
        self._fetching, self._error = True, ""
        self._fetch()

    @work(exclusive=True, group="host:site", exit_on_error=False)
    async def _read_site(self) -> None:
        """Read what is older than a few seconds again, by probes and local API; failures are on their own pages."""
        site = self.session.sites.get(self.reached)
        if site is not None and (site.read_at is None or self.now - site.read_at > FRESH):
            await site.read()
            if site.local_api is not None:
                await site.local_api.read()
        self._show()

    @work(exclusive=True, group="host:fetch", exit_on_error=False)
    async def _fetch(self) -> None:
        try:
            self._doc = await fetch_document(self.session, "host", self.target)
            self._fetched = self.now
            await fetch_events(self.session, self.target)
            await fetch_operations(self.session, self.target)
        except EdgewrightError as error:
            if self.session.make_context is not None:
                self._error = sentence(error)
        finally:
            self._fetching = False
            self._show()
            self.show_frame()

    def action_back_or_stop(self) -> None:
        """Stop a fetch that is under way; otherwise go back."""
        if self._fetching and any(worker.group == "host:fetch" for worker in self.workers):
            self.workers.cancel_group(self, "host:fetch")
            self._error = "Stopped. What is shown is what was known before; ctrl+r fetches again."
            return
        self.leave()

    def action_retry(self) -> None:
        """Fetch this host again."""
        self.fetch()
        self._show()

    def action_unfold(self) -> None:
        """Show or fold the virtual network cards."""
        self._unfold = not self._unfold
        self._show()

    def action_yaml(self) -> None:
        """Show the document as the plane sent it, secrets masked."""
        open_key(self.app, f"raw/host/{self.target}")

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        if event.key == "fold":
            self.action_unfold()
        else:
            open_key(self.app, event.key)


def _also(row: HostRow) -> tuple[str, ...]:
    """Return what is not as it should be beside the health that the host reports."""
    if row.disk_percent is None or row.disk_percent < DISK_FULL:
        return ()
    return (f"The disk {row.disk_mount or '-'} is {row.disk_percent:.0f} % full.",)
