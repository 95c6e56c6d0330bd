"""What the plane of a context can say about a user-data: its tokens and hosts, when it is the plane that is meant."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from edgewright.core.cloudconfig.look import at, text
from edgewright.core.errors import EdgewrightError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgewright.commands.context import CommandContext

MOST_HOSTS = 5000
"""Hosts that are looked at for the same UID, name or address."""


class Known(NamedTuple):
    """Tokens and hosts of the plane (None: it could not be asked), and why not, as the end of a sentence."""

    tokens: list[dict[str, Any]] | None = None
    hosts: list[dict[str, Any]] | None = None
    why: str = ""


async def ask(ctx: CommandContext, document: Mapping[str, Any]) -> Known:
    """Return what the plane of the context knows, when it is that of the document's `paletteEndpoint`. Never raises."""
    endpoint = text(at(document, "stylus", "site", "paletteEndpoint"))
    if not endpoint:
        return Known()
    try:
        if ctx.context is None:
            from edgewright.config import contexts

            ctx.context = contexts.load().choose("")
        if ctx.context is None:
            return Known(why="there is no context for its plane here")
        if not await _same(ctx, document, endpoint):
            return Known(why=f"the context {ctx.context.name} is of another plane ({ctx.context.url})")
        client = await ctx.client()
        tokens = await client.tokens()
    except EdgewrightError as wrong:
        return Known(why=f"the plane could not be asked: {wrong.message.rstrip('.')}")
    try:
        hosts = await asyncio.wait_for(_hosts(ctx), ctx.timeout * 3)
    except (EdgewrightError, TimeoutError):
        return Known(tokens)
    return Known(tokens, hosts)


async def _hosts(ctx: CommandContext) -> list[dict[str, Any]]:
    found = []
    async for host in (await ctx.client()).all_hosts():
        found.append(host)
        if len(found) >= MOST_HOSTS:
            break
    return found


async def _same(ctx: CommandContext, document: Mapping[str, Any], endpoint: str) -> bool:
    """Tell whether the context's plane is the one that the host will report to.

    A hub has many names: two addresses are the same hub when both say that it began at the same moment.
    """
    from edgewright.forge.userdata.online_plane import features_at, https_url

    assert ctx.context is not None
    if _peer(ctx.context.url) == _peer(https_url(endpoint)):
        return True
    mine = await (await ctx.client()).features()
    if not mine.hub or not mine.started:
        return False
    other = await features_at(document, ctx.timeout)
    return other is not None and other.started == mine.started


def _peer(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower().rstrip("."), parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:
        return url, 0
