"""Which API a verb asks: that of a cluster of the plane, or the one that a host reaches (`ssh:TARGET`)."""

from __future__ import annotations

from importlib import import_module

from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kube.route import SITE, Api, Report
from edgewright.core.errors import UsageError
from edgewright.store.collections.catalogue.cluster_rows import ClusterRow


async def api_of_row(
    ctx: CommandContext,
    row: ClusterRow,
    report: Report,
    *,
    admin: bool = False,
    only_relay: bool = False,
    ssh: str = "",
) -> Api:
    """Return the API of a cluster; see `Api.of` and `by_host.api.of_site`.

    Raises `UsageError` for options that a host has not. What SSH needs is loaded for a host alone.
    """
    if not row.uid.startswith(SITE):
        return await Api.of(ctx, row, report, admin=admin, only_relay=only_relay, ssh=ssh)
    if only_relay or ssh:
        raise UsageError(f"{row.name} is reached through its host alone.", "Leave out --relay and --ssh.")
    api: Api = await import_module("edgewright.commands.kube.by_host.api").of_site(ctx, row, report)
    return api
