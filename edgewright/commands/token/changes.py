"""Actions: verbs that change registration tokens: revoke, activate, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanManageTokens
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import find
from edgewright.commands.token import change_verbs as declared
from edgewright.commands.token.rows import hosts_by_token
from edgewright.core import times
from edgewright.core.text import amount
from edgewright.store.collections.tokens import ends_text, plain_state


class TokenRevoke(declared.TokenRevoke):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which hosts registered with each token, and that they stay. Raises `NotFound`, `Conflict`."""
        return await _plan(self, ctx, targets, "Revoke", ())

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Revoke, token by token."""
        tokens = await ctx.port(CanManageTokens)
        return await for_each(plan, lambda uid: tokens.set_active(uid, False), report, "revoked")


class TokenActivate(declared.TokenActivate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what is accepted again. Raises `NotFound`, `Conflict`."""
        return await _plan(self, ctx, targets, "Activate", ())

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Activate, token by token."""
        tokens = await ctx.port(CanManageTokens)
        return await for_each(plan, lambda uid: tokens.set_active(uid, True), report, "activated")


class TokenDelete(declared.TokenDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return which hosts registered with each token, and that they stay. Raises `NotFound`, `Conflict`."""
        return await _plan(self, ctx, targets, "Delete", ("the token: its text is refused for ever",))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete, token by token."""
        tokens = await ctx.port(CanManageTokens)
        return await for_each(plan, tokens.delete, report, "deleted")


async def _plan(
    command: Command, ctx: CommandContext, targets: Sequence[str], verb: str, cannot_undo: tuple[str, ...]
) -> Plan:
    """Return the plan for these tokens, with the hosts that depend on each."""
    tokens = {row.uid: row for row in [(await find(ctx, "token", text)).row for text in targets]}
    uids, now = tuple(tokens), times.now()
    lines: list[str] = []
    hosts = await hosts_by_token(ctx, uids) if verb != "Activate" else {}
    for uid, row in tokens.items():
        lines.append(f"{row.name} is {plain_state(row, now)}, ends: {ends_text(row, now)}")
        if hosts is None:
            lines.append("  this plane does not report which hosts registered with it")
        elif verb != "Activate":
            names = sorted(hosts[uid])
            more = f" and {len(names) - 12} more" if len(names) > 12 else ""
            lines.append(
                f"  {amount(len(names), 'host')} registered with it: {', '.join(names[:12])}{more}"
                if names
                else "  no host yet"
            )
    if verb == "Activate":
        lines.append("New hosts are let in by it again until it ends.")
    else:
        lines.append("Registered hosts are unaffected; new registrations are rejected.")
    names = [row.name for row in tokens.values()]
    title = f"{verb} token {names[0]}" if len(names) == 1 else f"{verb} {len(names)} tokens"
    typed = names[0] if len(names) == 1 else str(len(names))
    wants_typing = verb == "Delete" and ctx.settings.typed_confirmation
    confirm = typed if wants_typing else None
    by_uid = dict(zip(uids, names, strict=True))
    return Plan(title, tuple(lines), uids, cannot_undo, command.cli_line(uids, {}), confirm, None, by_uid)
