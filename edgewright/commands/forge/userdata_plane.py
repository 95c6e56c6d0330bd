"""What the plane of a context knows about a user-data: its tokens and hosts, when it is the plane that is meant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from edgewright.clients.ports import CanDescribe, CanListHosts, CanListProjects, CanListTokens
from edgewright.commands.kernel.context import make_plane_client
from edgewright.config import contexts
from edgewright.core.cloudconfig.look import at, text
from edgewright.core.errors import EdgewrightError
from edgewright.forge.userdata.online_plane import features_at, https_url
from edgewright.wire.palette.tokens import EdgeToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgewright.clients.ports import Connection
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.config.contexts import Context

MOST_HOSTS = 5000
"""Hosts that are looked at for the same UID, name or address."""


class Known(NamedTuple):
    """Tokens and hosts of the plane (None: it could not be asked), and why not, as the end of a sentence."""

    tokens: list[dict[str, Any]] | None = None
    hosts: list[dict[str, Any]] | None = None
    why: str = ""
    projects: list[dict[str, Any]] | None = None

    def token_uid(self, token: str) -> str:
        """Return the uid of the token with this text, or "" when the plane has none or could not be asked."""
        return next((item.uid or "" for item in map(EdgeToken, self.tokens or ()) if token and item.token == token), "")


async def ask(ctx: CommandContext, document: Mapping[str, Any]) -> Known:
    """Return what the plane of the document's `paletteEndpoint` knows, by any context that is for it. Never raises."""
    endpoint = text(at(document, "stylus", "site", "paletteEndpoint"))
    if not endpoint:
        return Known()
    try:
        context, why = await _context_for(ctx, document, endpoint)
        if context is None:
            return Known(why=why)
        source = await ctx.connection() if context is ctx.context else make_plane_client(context, "", ctx.timeout)
    except EdgewrightError as wrong:
        return Known(why=f"the plane could not be asked: {wrong.message.rstrip('.')}")
    try:
        tokens = await (await source.port(CanListTokens)).all()
        projects = await _projects(source)
        try:
            hosts = await asyncio.wait_for(_hosts(source), ctx.timeout * 3)
        except (EdgewrightError, TimeoutError):
            return Known(tokens, projects=projects)
        return Known(tokens, hosts, projects=projects)
    except EdgewrightError as wrong:
        return Known(why=f"the plane could not be asked: {wrong.message.rstrip('.')}")
    finally:
        if context is not ctx.context:
            await source.aclose()


async def _context_for(ctx: CommandContext, document: Mapping[str, Any], endpoint: str) -> tuple[Context | None, str]:
    """Return the context for the plane that the host will report to, and why there is none. Raises `EdgewrightError`.

    The chosen one is looked at first, then any with the same address. A hub has many names: two addresses are the
    same hub when both report the same start time.
    """
    stored = contexts.load()
    if ctx.context is None:
        ctx.context = stored.choose("")
    known = [*([ctx.context] if ctx.context else []), *stored.items.values()]
    wanted = _peer(https_url(endpoint))
    for context in known:
        if _peer(context.url) == wanted:
            return context, ""
    if ctx.context is None:
        return None, "none of your contexts is for its plane" if known else "there is no context for its plane here"
    mine = await (await ctx.port(CanDescribe)).features()
    if mine.hub and mine.started:
        other = await features_at(document, ctx.timeout)
        if other is not None and other.started == mine.started:
            return ctx.context, ""
    return None, f"the context {ctx.context.name} is of another plane ({ctx.context.url})"


async def _projects(source: Connection) -> list[dict[str, Any]] | None:
    try:
        return await (await source.port(CanListProjects)).all()
    except EdgewrightError:
        return None


async def _hosts(source: Connection) -> list[dict[str, Any]]:
    documents = []
    hosts = await source.port(CanListHosts)
    async for host in hosts.each():
        documents.append(host)
        if len(documents) >= MOST_HOSTS:
            break
    return documents


def _peer(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower().rstrip("."), parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return url, 0
