"""One cluster: while it forms the checklist, afterwards what it consists of; its hosts are one key away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult

from edgewright.commands.kernel import described
from edgewright.commands.kernel.base import BY_HOST, Scope
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import Entry
from edgewright.commands.kernel.documents import cluster_of
from edgewright.core.errors import NotFound
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.rows import targets_of
from edgewright.store.collections.selectors import row_of_site
from tui.frame.ages import calm_age
from tui.frame.base import BaseScreen
from tui.frame.links import OpensSite, open_key
from tui.modals.choose import ChooseModal
from tui.screens.cluster.content import Shown, body, columns_of, event_lines
from tui.screens.cluster.logs import unit_lines
from tui.screens.cluster.reading import ReadsClusters
from tui.screens.doctor.title import site_title
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, blocks, line

TWO, THREE = 120, 180
MEASURE_EVERY = 15.0
"""Seconds between two looks whether the direct way to the API is to be measured again."""
OF_A_HOST = ("cluster release", "cluster forget")
"""Verbs that take the host under the cursor."""


class ClusterScreen(ReadsClusters, BaseScreen, OpensSite):
    """Shows one cluster; Enter on a node opens its host, on a step that failed its log."""

    scope: ClassVar[Scope] = CLUSTERS.view
    view = "cluster"
    forming_every = 3.0
    _targets: tuple[str, ...] = ()
    """Of a cluster that SSH alone knows: the connections through which it was read last."""
    hints = (
        "nav-open=open", "kube-pods", "site-open=site", "cluster-retry", "cluster-logs", "yaml", "cluster-kubeconfig",
        "cluster-certificates", "copy", "cluster-release", "cluster-forget", "cluster-delete",
    )  # fmt: skip
    DEFAULT_CSS = """
    ClusterScreen {
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
        """Give the keyboard to the first column."""
        super().begin()
        self.query_one("#facts").focus()
        self.select()
        self._measure_way()
        self.set_interval(MEASURE_EVERY, self._measure_way)

    @work(exclusive=True, group="reach", exit_on_error=False)
    async def _measure_way(self) -> None:
        """Measure whether this machine reaches the API directly, unless that was done a moment ago."""
        entry = (self._things or {}).get(self.target)
        measure = self.session.measure_way
        measure = None if self._by_ssh else measure
        if measure is not None and entry is not None and self.is_current and await measure(entry.row):
            await self.look_at_ways()

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return this cluster by its uid; a name that was typed becomes the uid."""
        if self.target not in (self._things or {}):
            result = await described.entries(ctx, CLUSTERS.noun)
            uids = [entry.row.uid for entry in result.items]
            named = [entry.row.uid for entry in result.items if entry.row.name == self.target]
            self.target = named[0] if named and self.target not in uids else self.target
            return {entry.row.uid: entry for entry in result.items}
        try:
            document = await cluster_of(ctx, self.target)
        except NotFound:
            return {uid: entry for uid, entry in (self._things or {}).items() if uid != self.target}
        self.put_into_store([document], complete=False)
        row = CLUSTERS.from_document(document, self.now)
        return {**(self._things or {}), **({} if row is None else {self.target: Entry(row, document)})}

    def on_screen(self) -> Sequence[Entry]:
        """Return this cluster."""
        entry = (self._things or {}).get(self.target)
        return () if entry is None else (entry,)

    @property
    def crumb(self) -> str:
        """Its name."""
        entry = (self._things or {}).get(self.target)
        return entry.row.name if entry is not None else self.target

    def count(self) -> str:
        """Return how old the newest report is."""
        entry = (self._things or {}).get(self.target)
        reported = entry.row.reported if entry is not None else None
        word = "read" if self._by_ssh else "reported"
        return "" if reported is None else f"{word} {calm_age(reported, self.now)}"

    def head_line(self, width: int) -> Line:
        """Return the title: of the plane, or of the site by which alone it is known."""
        site = self.session.sites.get(self.cluster_way(self.target).removeprefix(BY_HOST)) if self._by_ssh else None
        return super().head_line(width) if site is None else site_title(site, self.now, width, self.session.read_only)

    def take_stored(self) -> None:
        """Take all clusters; where the site under whose uid this one was shown is closed, another one continues."""
        super().take_stored()
        if not self._by_ssh:
            return
        here = self._things or {}
        if self.target not in here:
            rows, targets = self.session.store.model.site_clusters, (self.target.removeprefix(BY_HOST), *self._targets)
            row = row_of_site({uid: row for uid, row in rows.items() if uid in here}, targets)
            self.target = row.uid if row is not None else self.target
        if self.target in here:
            self._targets = targets_of(here[self.target].row.sites)

    @property
    def _by_ssh(self) -> bool:
        return self.target.startswith(BY_HOST)

    def targets(self) -> tuple[str, ...]:
        """Return this cluster."""
        return (self.target,)

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the host under the cursor for a release and a forget."""
        if name not in OF_A_HOST:
            return {}
        uid = self._host_under_cursor()
        row = self.session.store.model.hosts.get(uid)
        return {"host": row.name if row is not None else uid} if uid else {}

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on what is under the cursor."""
        there = self.is_there and bool(self.site_uids()) and "site-open" not in self.undialled()
        idle = {*([] if there else ["site-open=site"]), *(["cluster-logs"] if self._by_ssh else [])}
        return tuple(name for name in super().working_hints() if name not in idle)

    def site_uids(self) -> tuple[str, ...]:
        """Return the host of the node under the cursor; else one that shows the cluster, where SSH alone knows it."""
        uid = self._host_under_cursor() or (self.cluster_way(self.target) if self._by_ssh else "")
        return (uid,) if uid else ()

    def _host_under_cursor(self) -> str:
        kind, _, uid = self._view_in_use().cursor_key.partition("/")
        return uid if kind == "host" else ""

    def _view_in_use(self) -> LineView:
        focused = [view for view in self.query(LineView) if view.has_focus]
        return focused[0] if focused else self.query_one("#facts", LineView)

    def tick(self) -> None:
        """Update times and ages."""
        self.select()

    def select(self) -> None:
        """Show it as it is known now."""
        if not self.is_there or not self.size.width:
            return
        facts, parts, feed = (self.query_one(f"#{name}", LineView) for name in ("facts", "parts", "feed"))
        shown = self.shown(self.target)
        lost = self.session.store.model.source.away if shown is None else shown.lost
        for view in (facts, parts, feed):
            view.set_dimmed(lost)
        width = facts.room or self.size.width
        if shown is None:
            facts.set_lines(self._nothing(width))
            parts.set_lines([])
            feed.set_lines([])
        else:
            self._show(shown, (facts, parts, feed), width)
        self.show_frame()

    def _nothing(self, width: int) -> list[Line]:
        if self._things is None and not self._error:
            return [line(("► ", "work"), "Loading ...")]
        return self.problem(width) or [line(("○ ", "muted"), "This cluster does not exist any more.")]

    def _show(self, shown: Shown, views: tuple[LineView, LineView, LineView], width: int) -> None:
        facts, parts, feed = views
        trouble = self.problem(width)
        if self.size.width < TWO:
            facts.set_lines(blocks([trouble, body(shown, width)]))
            return
        right_width = parts.room or width - 2
        left, right = columns_of(shown, width, right_width)
        if self.size.width < THREE:
            right += [Line(), *event_lines(shown, right_width, 8)]
        else:
            feed.set_lines(event_lines(shown, feed.room or width - 2, None, 2))
        facts.set_lines(blocks([trouble, left]))
        parts.set_lines(right)

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        super().on_resize(event)
        self.call_after_refresh(self.select)

    async def action_node_logs(self) -> None:
        """Choose a log of the node under the cursor, and open it."""
        shown, uid = self.shown(self.target), self._host_under_cursor()
        if shown is None or not uid:
            self.app.refuse("Select a node first.")  # type: ignore[attr-defined]
            return
        if uid.startswith(BY_HOST):
            self.app.refuse("This host is known by SSH alone: l on its Doctor shows logs.")  # type: ignore[attr-defined]
            return
        row = shown.hosts.get(uid)
        dialog = ChooseModal(f"Log of {row.name if row is not None else uid}", unit_lines(shown.row))
        unit = await self.app.ask(dialog)  # type: ignore[attr-defined]
        if unit:
            open_key(self.app, f"logs/{uid}/{unit.strip('-')}".rstrip("/"))

    def action_yaml(self) -> None:
        """Show the document as the plane sent it."""
        open_key(self.app, f"raw/cluster/{self.target}")

    @on(LineView.Pointed)
    def _pointed(self) -> None:
        self.show_keys()

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        open_key(self.app, event.key)
