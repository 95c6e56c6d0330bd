"""Documents that a screen asks of the plane on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.clients.ports import BY_NAME, CanCall, CanListOperations, CanReadEvents
from edgewright.commands.kernel.base import BY_HOST
from edgewright.core.errors import NotFound
from edgewright.store.collections.catalogue.clusters import overview

if TYPE_CHECKING:
    from edgewright.clients.ports import PortName
    from edgewright.commands.kernel.context import CommandContext


async def document_of(ctx: CommandContext, port: PortName, uid: str) -> dict[str, Any]:
    """Return one thing as the plane has it now, by the port whose `get` gives it. Raises `EdgewrightError`.

    A host that is open by SSH (`ssh:TARGET`) gives its own.
    """
    if uid.startswith(BY_HOST):
        site = (ctx.sites or {}).get(uid.removeprefix(BY_HOST))
        if site is None:
            raise NotFound("This site is not open any more.", f"Open it: :site open {uid.removeprefix(BY_HOST)}")
        own: dict[str, Any] = await site.hosts.get(uid)
        return own
    document: dict[str, Any] = await (await ctx.port(BY_NAME[port])).get(uid)
    return document


async def cluster_of(ctx: CommandContext, uid: str) -> dict[str, Any]:
    """Return a cluster as the plane has it now, with the progress of its hosts. Raises `NotFound`."""
    return dict(await overview(await ctx.port(CanCall), uid))


async def events_of_host(ctx: CommandContext, uid: str, limit: int) -> list[dict[str, Any]]:
    """Return the newest events of a host. Raises `EdgewrightError`."""
    return (await (await ctx.port(CanReadEvents)).page("edgehost", uid, limit=limit)).items


async def operations_of_host(ctx: CommandContext, uid: str) -> list[dict[str, Any]]:
    """Return the operations of a host; none where the source has no operations. Raises `EdgewrightError`."""
    operations = await ctx.port_or_none(CanListOperations)
    return [] if operations is None else await operations.of(uid)
