"""All clusters in one table: filtered, sorted, marked; from 120 columns with the cluster beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.frame.links import open_key
from tui.frame.lists.described import DescribedListing, list_screen
from tui.screens.cluster.content import brief
from tui.screens.cluster.reading import ReadsClusters
from tui.widgets.lines import Line

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

    _Clusters = DescribedListing
else:
    _Clusters = list_screen("cluster")


class ClustersScreen(_Clusters, ReadsClusters):
    """Lists clusters, the worst first; verbs work on all that are marked."""

    collections = ReadsClusters.collections
    hints = (
        "nav-open=open", "filter", "mark", "kube-pods", "cluster-new=new", "cluster-retry", "yaml",
        "cluster-kubeconfig", "sort", "columns", "cluster-delete",
    )  # fmt: skip

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return all clusters by uid."""
        things = await super().fetched(ctx)
        self.put_into_store([entry.document for entry in things.values()], complete=True)
        return things

    def begin(self) -> None:
        """Show what is known at once."""
        super().begin()
        self.select()

    def patched(self, patches: object) -> None:
        """Show what changed."""
        ReadsClusters.patched(self, patches)  # type: ignore[arg-type]

    def detail(self, key: str, width: int) -> list[Line]:
        """Return the cluster under the cursor."""
        shown = self.shown(key)
        return [*self.problem(width), *(brief(shown, width) if shown is not None else [])]

    def action_yaml(self) -> None:
        """Show the document of the cluster under the cursor as the plane sent it."""
        if self.table.cursor_key:
            open_key(self.app, f"raw/cluster/{self.table.cursor_key}")
