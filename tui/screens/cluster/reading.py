"""What list and detail of clusters share: rows and documents of the store, which a hub changes; else they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.kernel.described import Entry
from edgewright.core.clusters.actions import with_titles
from edgewright.sources.redact import redact_all
from edgewright.store.collections.catalogue import measured
from edgewright.store.collections.catalogue.clusters import CLUSTERS
from edgewright.store.collections.feed import FEED
from edgewright.store.collections.projects import PROJECTS
from edgewright.store.collections.selectors import listed_clusters, way_to
from edgewright.store.engine import model as names
from edgewright.store.engine.model import Patch
from edgewright.store.table import TENANT
from tui.frame.feed import FeedLine, feed_line
from tui.frame.fetch import known_document
from tui.frame.fetched import Fetches
from tui.frame.links import without_a_plane
from tui.screens.cluster.content import Shown
from tui.verbs.bindings import live_keys

MOST_EVENTS = 60


class ReadsClusters(Fetches):
    """Takes clusters from the store as the plane reports changes; what is asked for is put there, for others too.

    The progress of a step is in heartbeats alone (P69) and no change: while a cluster forms it is asked for.
    """

    forming_every: ClassVar[float] = 10.0
    """Seconds between two questions while a cluster forms that is on the screen."""
    audit_kind = CLUSTERS.change_kind
    collections = Fetches.collections | {CLUSTERS.name, FEED.name, names.HOSTS, names.SITE_CLUSTERS}

    def begin(self) -> None:
        """Show what is known; a plane is asked beside it."""
        super().begin()
        self.take_stored()
        self.set_interval(self.forming_every, self._follow_forming)
        self._ways_here: dict[str, measured.Ways] = {}
        self.set_interval(self.forming_every, self.look_at_ways)
        self.call_later(self.look_at_ways)

    async def look_at_ways(self) -> None:
        """Take what verbs of this machine have measured since."""
        before, self._ways_here = self._ways_here, await asyncio.to_thread(measured.read)
        if self._ways_here != before and self._shown:
            self.select()

    def _follow_forming(self) -> None:
        asking = any(worker.group == "fetched" and worker.is_running for worker in self.workers)
        asking = asking or self.asks_no_plane
        entries = self.on_screen() if self._shown and not asking else ()
        if any(entry.row.forms for entry in entries) and not self.session.store.model.source.away:
            self.fetch()

    def cluster_way(self, uid: str) -> str:
        """Return the uid of a connection that is up and leads to a cluster that SSH alone knows."""
        return way_to(self.session.store.model.site_clusters, uid) if uid.startswith(BY_HOST) else uid

    def read_again(self) -> tuple[str, ...]:
        """Return the hosts that are read again, one for each cluster that SSH alone knows."""
        return tuple(map(self.cluster_way, self.targets()))

    def on_screen(self) -> Sequence[Entry]:
        """Return the clusters that are shown."""
        return tuple((self._things or {}).values())

    def put_into_store(self, documents: list[dict[str, Any]], complete: bool) -> None:
        """Put documents of clusters, as the plane has them now, where every screen takes them from."""
        payload = {"docs": redact_all(documents), **({"complete": True} if complete else {})}
        self.session.store.emit("plane", CLUSTERS.seen, payload)

    @property
    def asks_no_plane(self) -> bool:
        """Whether there is no plane to ask: in a recording, in a console without one, about what SSH alone knows."""
        return self.session.make_context is None or self.session.no_plane or self.target.startswith(BY_HOST)

    def fetch(self) -> Any:
        """Ask the plane, where there is one; else what is known is all."""
        if self.asks_no_plane:
            self.take_stored()
            self._things = self._things or {}
            self.select()
            return None
        return super().fetch()

    def take_stored(self) -> None:
        """Take all clusters of the store, if it has any; the document of one is looked up when it is shown."""
        rows = listed_clusters(self.session.store.model)
        if rows or self._things:
            listed = sorted(rows.items(), key=lambda item: (item[1].name.casefold(), item[0]))
            self._things = {uid: Entry(row, {}) for uid, row in listed}

    def patched(self, patches: Sequence[Patch]) -> None:
        """Show what the store has now; ask only a plane that is back, or that reports no changes."""
        changed = any(patch.collection in (CLUSTERS.name, names.SITE_CLUSTERS) for patch in patches)
        if changed:
            self.take_stored()
        if self._error and not self.session.store.model.source.away:
            self.fetch()
        self.select()

    def refused(self, entries: Iterable[str]) -> frozenset[str]:
        """Return what does nothing for the clusters that are pointed at: no step waits, or there is no API."""
        rows = [entry.row for uid in self.targets() if (entry := (self._things or {}).get(uid)) is not None]
        useless = set() if any(row.failed for row in rows) else {"cluster-retry"}
        if any(row.simulated for row in rows):
            useless.add("cluster-kubeconfig")
        return super().refused(entries) | useless | without_a_plane(entries, self.targets())

    def shown(self, uid: str) -> Shown | None:
        """Return a cluster with what the console knows of it; `None` for one that does not exist."""
        entry = (self._things or {}).get(uid)
        if entry is None:
            return None
        model = self.session.store.model
        project = model.rows(PROJECTS).get(entry.row.project_uid)
        return Shown(
            row=entry.row,
            doc=entry.document or known_document(self.session, CLUSTERS.name, uid) or {},
            now=self.now,
            hosts=model.hosts,
            project=(project.name if project is not None else entry.row.project_uid)
            or ("" if entry.row.link else TENANT),
            events=self._events(uid, entry.row.host_uids),
            lost=model.source.away if not entry.row.link else entry.row.link != "open",
            ways=self._ways_here.get(uid, {}),
            retry=live_keys(self).get("cluster-retry", "") or "r",
        )

    def _events(self, uid: str, hosts: Sequence[str]) -> tuple[FeedLine, ...]:
        model, about = self.session.store.model, {uid, *hosts}
        known: Mapping[str, Any] = model.hosts
        rows = [row for row in model.rows(FEED).values() if row.object_uid in about]
        rows.sort(key=lambda row: -row.at)
        lines = []
        for row in rows[:MOST_EVENTS]:
            own = row.object_uid == uid
            name = known[row.object_uid].name if row.object_uid in known else ""
            text = with_titles(row.message)
            lines.append(feed_line(row if text == row.message else replace(row, message=text), name, own))
        return tuple(lines)
