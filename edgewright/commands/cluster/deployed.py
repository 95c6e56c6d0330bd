"""How far a deployment is beyond its first host: a profile, a cluster, an application that is ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.ports import CanCall
from edgewright.commands.kernel.described import entries
from edgewright.store.collections.catalogue import clusters as calls
from edgewright.store.collections.document_values import part, parts, text
from edgewright.wire.protocol import clusters as wire

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.store.collections.catalogue.cluster_rows import ClusterRow
    from edgewright.store.collections.catalogue.profiles import ProfileRow


class Application(NamedTuple):
    """An add-on layer of a cluster as its control plane reports it: ready once its objects run and answer probes."""

    name: str
    ready: bool
    message: str = ""


class Deployed(NamedTuple):
    """What a plane has: published profiles that a cluster can begin with, real clusters, applications of the first.

    Clusters are ordered by how far they are: healthy ones first, then by age.
    """

    profiles: tuple[ProfileRow, ...] = ()
    clusters: tuple[ClusterRow, ...] = ()
    applications: tuple[Application, ...] = ()

    @property
    def cluster(self) -> ClusterRow | None:
        """Return the cluster that shows how far the deployment is."""
        return self.clusters[0] if self.clusters else None

    @property
    def ready(self) -> bool:
        """Return whether there are applications and all of them are ready."""
        return bool(self.applications) and all(each.ready for each in self.applications)


async def deployed(ctx: CommandContext) -> Deployed:
    """Ask the plane. Raises `EdgewrightError`."""
    rows = [entry.row for entry in (await entries(ctx, "profile")).items]
    profiles = [row for row in rows if row.state != "draft" and row.kind != "add-on"]
    every = [entry.row for entry in (await entries(ctx, "cluster")).items]
    real = [row for row in every if not row.simulated and row.state not in (wire.DELETED, wire.DELETING)]
    real.sort(key=lambda row: (row.health != "healthy", row.created or 0.0, row.uid))
    applications: tuple[Application, ...] = ()
    if real:
        document = await calls.get(await ctx.port(CanCall), real[0].uid)
        applications = applications_of(document)
    return Deployed(tuple(profiles), tuple(real), applications)


def applications_of(document: Mapping[str, Any]) -> tuple[Application, ...]:
    """Return the add-on layers of a cluster with their states (`v1SpectroCluster`)."""
    templates = parts(part(document, "spec"), "clusterProfileTemplates")
    packs = [pack for template in templates for pack in parts(template, "packs")]
    addons = {text(pack, "name") for pack in packs if text(pack, "layer") == "addon"}
    rows = []
    for pack in parts(part(document, "status"), "packs"):
        condition = part(pack, "condition")
        if text(pack, "name") in addons:
            rows.append(
                Application(text(pack, "name"), text(condition, "status") == "True", text(condition, "message"))
            )
    return tuple(rows)
