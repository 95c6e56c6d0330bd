"""The condition of a host that was fetched, with what its site reports of it."""

from __future__ import annotations

from edgewright.clients.ports import CanListHosts
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.lookup import FoundHost, host_of
from edgewright.core.hosts import states
from edgewright.core.hosts.condition import Condition
from edgewright.store.collections.conditions import condition_of_row, rejection_in
from edgewright.wire.palette.search import hosts_by


async def condition_of_found(ctx: CommandContext, host: FoundHost, now: float) -> Condition:
    """Return the condition of a fetched host; for a silent one a page of the hosts of its site is asked for."""
    rejection = rejection_in(host.document)
    condition = condition_of_row(host.row, now, rejection)
    if states.NEIGHBOURS not in condition.state.evidence or not host.row.site:
        return condition
    page = await (await ctx.port(CanListHosts)).search(hosts_by(tags=[f"site:{host.row.site}"]))
    others = [other for item in page.items if (other := host_of(item)) is not None and other.uid != host.uid]
    return condition_of_row(host.row, now, rejection, [other.row for other in others])
