"""All clusters in one table: filtered, sorted, marked; from 120 columns with the cluster beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import BY_HOST
from edgewright.commands.kernel.described import Entry
from edgewright.store.collections.selectors import listed_clusters
from tui.frame.links import OpensSite, open_key
from tui.frame.lists.described import DescribedListing, list_screen
from tui.screens.cluster.content import brief
from tui.screens.cluster.reading import ReadsClusters
from tui.widgets.lines import Line, line

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

    _Clusters = DescribedListing
else:
    _Clusters = list_screen("cluster")


class ClustersScreen(_Clusters, ReadsClusters, OpensSite):
    """Lists clusters, the worst first; verbs work on all that are marked."""

    collections = ReadsClusters.collections
    hints = (
        "nav-open=open", "filter", "mark", "kube-pods", "site-open=site", "cluster-new=new", "cluster-retry", "yaml",
        "cluster-kubeconfig", "sort", "columns", "cluster-delete",
    )  # fmt: skip

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return all clusters by uid."""
        things = await super().fetched(ctx)
        self.put_into_store([entry.document for entry in things.values()], complete=True)
        known = listed_clusters(self.session.store.model)
        return {**things, **{uid: Entry(row, {}) for uid, row in known.items() if row.link}}

    def begin(self) -> None:
        """Show what is known at once."""
        super().begin()
        self.select()

    def patched(self, patches: object) -> None:
        """Show what changed."""
        ReadsClusters.patched(self, patches)  # type: ignore[arg-type]

    def site_uids(self) -> tuple[str, ...]:
        """Return the host by which alone the cluster under the cursor is known, of several one that is connected."""
        return tuple(self.cluster_way(uid) for uid in self.targets() if uid.startswith(BY_HOST))

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on what is pointed at; a site opens where one host shows the cluster."""
        return tuple(name for name in super().working_hints() if self.site_uids() or name != "site-open=site")

    def count(self) -> str:
        """Return how many there are; those that SSH alone knows apart from those of the plane."""
        things = self._things or {}
        alone = sum(1 for entry in things.values() if entry.row.link)
        if not alone or self.filter_text or (self.is_there and self.table.marks):
            return super().count()
        return f"{len(things) - alone:,} + {alone} by SSH" if len(things) > alone else f"{alone} by SSH"

    def stale_rows(self) -> tuple[bool, frozenset[str]]:
        """Return whether rows are old, and of which it is the other way round."""
        away, rows = super().stale_rows()[0], [entry.row for entry in (self._things or {}).values()]
        return away, frozenset(row.uid for row in rows if row.link and (row.link == "open") is away)

    def empty(self) -> list[Line]:
        """Return why there is none; without a plane that no open site shows one."""
        if self.session.no_plane and not self.filter_text:
            return [line(("○ ", "muted"), "There is no management plane, and no open site shows a cluster.")]
        return super().empty()

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the cluster under the cursor."""
        shown = self.shown(key)
        return [*self.problem(width), *(brief(shown, width) if shown is not None else [])]

    def action_yaml(self) -> None:
        """Show the document of the cluster under the cursor as the plane sent it."""
        if self.table.cursor_key:
            open_key(self.app, f"raw/cluster/{self.table.cursor_key}")
