"""How registration tokens are shown as text, and which hosts registered with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgewright.clients.ports import CanDescribe, CanListTokens
from edgewright.commands.kernel.cells import ago, or_dash, stamp
from edgewright.commands.kernel.lookup import every_host
from edgewright.commands.kernel.results import Column, Detail, Item, Section
from edgewright.config.nearest import suggestion
from edgewright.core import times
from edgewright.core.errors import Conflict, NotFound
from edgewright.core.text import clean
from edgewright.store.collections.tokens import TokenRow, token_row, token_state
from edgewright.wire.palette.tokens import EdgeToken

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

COLUMNS = (
    Column("TOKEN"),
    Column("STATE"),
    Column("ENDS", right=True),
    Column("PROJECT"),
    Column("AGE", right=True),
    Column("UID", wide=True),
    Column("DESCRIPTION", wide=True),
)

MASK = "********"


def state_of(token: EdgeToken, now: float) -> str:
    """Return active, revoked or expired; revoked wins, since an operator did it."""
    if not token.is_active:
        return "revoked"
    return "expired" if token.expired(now) else "active"


def ends(token: EdgeToken, now: float) -> str:
    """Return how long until the end: `6d`, `ended 2d` or `never`."""
    if token.expiry is None:
        return "never"
    left = token.expiry - now
    return times.age(left) if left > 0 else f"ended {times.age(-left)}"


def masked(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with its secret masked; the original stays as it is."""
    spec = document.get("spec")
    if not isinstance(spec, dict) or not spec.get("token"):
        return document
    return {**document, "spec": {**spec, "token": MASK}}


def item(document: dict[str, Any], now: float) -> Item:
    """Return one token as a row of a listing; its document without the secret."""
    token = EdgeToken(document)
    cells = (
        clean(token.name) or clean(token.uid),
        state_of(token, now),
        ends(token, now),
        or_dash(clean(token.project_name or token.project_uid)),
        ago(token.created, now),
        clean(token.uid),
        or_dash(clean(token.description)),
    )
    return Item(clean(token.uid), cells, masked(document))


def values(document: dict[str, Any], now: float) -> Callable[[str], object]:
    """Return what gives a token's values by the names of `TOKEN_FIELDS`, for a filter."""
    row = token_row(document, now) or TokenRow("")
    hosts = ((document.get("status") or {}).get("edgewright") or {}).get("hosts")
    worked_out: dict[str, object] = {"state": token_state(row, now), "hosts": hosts}
    return lambda name: worked_out[name] if name in worked_out else row.get(name)


def detail(document: dict[str, Any], hosts: Sequence[str] | None, now: float, reveal: bool) -> Detail:
    """Return one token as text. `hosts` is None where the plane does not report them."""
    token = EdgeToken(document)
    facts = (
        ("uid", clean(token.uid)),
        ("state", state_of(token, now)),
        ("ends", f"{stamp(token.expiry)}  ({ends(token, now)})" if token.expiry else "never"),
        ("project", or_dash(clean(token.project_name or token.project_uid))),
        ("created", stamp(token.created)),
        ("description", or_dash(clean(token.description))),
        ("text", clean(token.token) if reveal else f"{MASK}  (--reveal shows it)"),
    )
    registered = "not reported by this plane" if hosts is None else ", ".join(hosts[:50]) or "none"
    if hosts is not None and len(hosts) > 50:
        registered += f" and {len(hosts) - 50} more"
    sections = (Section("TOKEN", facts), Section("HOSTS REGISTERED WITH IT", (("hosts", registered),)))
    shown = document if reveal else masked(document)
    return Detail(clean(token.uid), shown, f"{clean(token.name)} is {state_of(token, now)}", sections)


async def find_token(ctx: CommandContext, word: str) -> dict[str, Any]:
    """Return a token's document by uid or name. Raises `NotFound`, or `Conflict` when the name is not unique."""
    tokens = await (await ctx.port(CanListTokens)).all()
    meta = [(token, token.get("metadata") or {}) for token in tokens]
    for token, data in meta:
        if data.get("uid") == word:
            return token
    named = [token for token, data in meta if data.get("name") == word]
    if len(named) > 1:
        raise Conflict(f"{len(named)} tokens are called {clean(word)}.", "Name one by its uid: edgewright token list")
    if not named:
        near = suggestion(word, [str(data.get("name")) for _, data in meta])
        raise NotFound(f"There is no token {clean(word)}{near}.", "See them: edgewright token list")
    return named[0]


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
