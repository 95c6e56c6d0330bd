"""From what was typed to what the plane knows: a host by name or by uid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.ports import CanDescribe, CanListHosts, CanListProjects, missing, names
from edgewright.commands.kernel import registry
from edgewright.commands.kernel.described import complete, find
from edgewright.commands.kernel.host_states import refusal_in_document
from edgewright.core import times
from edgewright.core.errors import Conflict, EdgewrightError, NotFound, Refused
from edgewright.core.text import clean
from edgewright.store.collections.hosts import host_row
from edgewright.wire.palette.search import hosts_by

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.store.collections.hosts import HostRow


class FoundHost(NamedTuple):
    """A host with its complete document and what a table shows of it."""

    uid: str
    name: str
    document: dict[str, Any]
    row: HostRow


def host_of(document: dict[str, Any]) -> FoundHost | None:
    """Return a host from its document; None when it names no uid."""
    row = host_row(document, times.now())
    return None if row is None else FoundHost(row.uid, row.name, document, row)


async def every_host(ctx: CommandContext) -> AsyncIterator[FoundHost]:
    """Yield every host that the credential may see, in pages as large as the plane gives."""
    hosts = await ctx.port(CanListHosts)
    async for document in hosts.each():
        host = host_of(document)
        if host is not None:
            yield host


async def find_host(ctx: CommandContext, word: str) -> FoundHost:
    """Return a host by uid, else by its name. Raises `NotFound`, or `Conflict` when the name is not unique."""
    hosts = await ctx.port(CanListHosts)
    try:
        direct = host_of(await hosts.get(word))
        if direct is not None:
            return direct
    except NotFound:
        pass

    page = await hosts.search(hosts_by(name=word))
    named = [host for item in page.items if (host := host_of(item)) is not None and host.name == word]
    if len(named) > 1:
        uids = ", ".join(host.uid for host in named[:5])
        raise Conflict(f"{len(named)} hosts are called {clean(word)}.", f"Name one by its uid: {uids}")
    if not named:
        peer = (await ctx.connection()).peer
        raise NotFound(f"There is no host {clean(word)} on {peer}.", "See them: edgewright host list")
    complete = host_of(await hosts.get(named[0].uid))
    return complete or named[0]


async def find_hosts(ctx: CommandContext, names: Sequence[str]) -> list[FoundHost]:
    """Return several hosts, each once, in order; eight are asked for at a time. Raises the first error."""
    gate = asyncio.Semaphore(8)

    async def find(word: str) -> FoundHost:
        async with gate:
            return await find_host(ctx, word)

    hosts = await asyncio.gather(*(find(word) for word in dict.fromkeys(names)))
    return list({host.uid: host for host in hosts}.values())


async def saved_filter(ctx: CommandContext, name: str) -> dict[str, Any]:
    """Return the spec of a tag filter of the plane by name or uid. Raises `NotFound`, `Conflict`."""
    entry = await complete(ctx, "filter", await find(ctx, "filter", name))
    spec: dict[str, Any] = entry.document.get("spec") or {}
    return spec


async def project_text(ctx: CommandContext, uid: str) -> str:
    """Return name and uid of a project; the uid alone where the source does not show this project."""
    projects = await ctx.port_or_none(CanListProjects) if uid else None
    if projects is None:
        return uid
    try:
        known = [document.get("metadata") or {} for document in await projects.all()]
    except EdgewrightError:
        return uid  # the host itself is there
    name = next((clean(meta.get("name")) for meta in known if meta.get("uid") == uid), "")
    return f"{name} ({uid})" if name else uid


async def absent_verbs(ctx: CommandContext) -> frozenset[str]:
    """Return the verbs about hosts that the source of a verb does not have; it is asked what it is."""
    features = await (await ctx.port(CanDescribe)).features()
    return registry.absent("host", names(missing(features.kind)))


async def refuse_illegal(ctx: CommandContext, hosts: Sequence[FoundHost], verb: str) -> None:
    """Refuse a verb that the state of one of the hosts does not allow. Raises `Refused`."""
    for host in hosts:
        if refusal_in_document(host.row, host.document, verb) is not None:
            refused = refusal_in_document(host.row, host.document, verb, await absent_verbs(ctx))
            if refused is not None:
                raise Refused(refused.reason, refused.hint)
