"""How registration tokens are shown as text, and which hosts registered with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgewright.clients.ports import CanDescribe
from edgewright.commands.kernel.described import Entry
from edgewright.commands.kernel.lookup import every_host
from edgewright.commands.kernel.results import Detail, Section
from edgewright.core.text import clean
from edgewright.store.collections.tokens import MASK, TABLE, conceal, plain_state
from edgewright.store.table import Look

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext


def detail(entry: Entry, hosts: Sequence[str] | None, now: float, reveal: bool) -> Detail:
    """Return one token as text. `hosts` is None where the plane does not report them."""
    row, document = entry.row, entry.document
    ((title, facts),) = TABLE.facts(row, Look(now))
    token = clean((document.get("spec") or {}).get("token") or "")
    facts = (*facts, ("text", token if reveal else f"{MASK}  (--reveal shows it)"))
    names = "not reported by this plane" if hosts is None else ", ".join(hosts[:50]) or "none"
    if hosts is not None and len(hosts) > 50:
        names += f" and {len(hosts) - 50} more"
    sections = (Section(title, facts), Section("HOSTS REGISTERED WITH IT", (("hosts", names),)))
    shown = document if reveal else conceal(document)
    return Detail(row.uid, shown, f"{row.name} is {plain_state(row, now)}", sections)


async def hosts_by_token(ctx: CommandContext, uids: Sequence[str]) -> dict[str, list[str]] | None:
    """Return token uid to the names of the hosts registered with it; None where the plane does not report it."""
    names: dict[str, list[str]] = {uid: [] for uid in uids}
    if ctx.store is not None and not ctx.store.model.source.away:
        for row in ctx.store.model.hosts.values():
            if row.token_uid in names:
                names[row.token_uid].append(row.name)
        return names
    source = await ctx.port(CanDescribe)
    if not (await source.features()).hub:
        return None
    async for host in every_host(ctx):
        if host.row.token_uid in names:
            names[host.row.token_uid].append(host.name)
    return names
