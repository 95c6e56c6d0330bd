"""The plane of the answers: asked by the context that they name. Light: a build loads it, and no list of the store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from edgewright.commands.forge.userdata_plane import ask
from edgewright.commands.kernel.context import CommandContext as Made
from edgewright.config import contexts
from edgewright.core.errors import UsageError
from edgewright.core.installer.document import user_data

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from edgewright.commands.kernel.context import CommandContext


@asynccontextmanager
async def at_context(ctx: CommandContext, name: str) -> AsyncIterator[CommandContext]:
    """Give a command context for the plane of that name, closed at the end; `ctx` itself when it is that one."""
    if not name or name == ctx.context_name:
        yield ctx
        return

    context = contexts.load().get(name)
    there = Made(
        ctx.settings,
        context=context,
        read_only=ctx.read_only or context.read_only,
        timeout=ctx.timeout,
        journal=ctx.journal,
        actor=ctx.actor,
    )
    try:
        yield there
    finally:
        await there.aclose()


@asynccontextmanager
async def at_plane(ctx: CommandContext) -> AsyncIterator[CommandContext]:
    """Give a command context for the plane in use, closed at the end; `ctx` itself when it has one.

    Raises `UsageError` where there is none, `Refused` for one that is read-only.
    """
    if ctx.context is not None:
        yield ctx
        return
    context = contexts.load().choose("")
    if context is None:
        hint = "Add one: edgewright context add NAME --url URL --api-key-file FILE"
        raise UsageError("No plane is chosen yet.", hint, code="NoContext")
    read_only = ctx.read_only or context.read_only
    options: dict[str, Any] = {"journal": ctx.journal, "actor": ctx.actor, "timeout": ctx.timeout}
    there = Made(ctx.settings, context=context, project=ctx.project, read_only=read_only, **options)
    try:
        yield there
    finally:
        await there.aclose()


async def token_uid(ctx: CommandContext, answers: Mapping[str, Any]) -> str:
    """Return the uid of the answers' token at its plane; "" when no context is for it, or it has no such token.

    Raises `EdgewrightError` when the plane of the answers cannot be asked.
    """
    name = str(answers["plane.context"])  # the answers may come from another machine, whose contexts are not ours
    async with at_context(ctx, name if name in contexts.load().items else "") as there:
        known = await ask(there, user_data(dict(answers)))
    return known.token_uid(str(answers["token.text"]))
