"""Actions: verbs that show registration tokens, and the one that makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.palette.projects import project_uid
from edgewright.clients.ports import CanListProjects, CanListTokens, CanManageTokens
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import find
from edgewright.commands.kernel.results import Text
from edgewright.commands.token import rows as token_rows
from edgewright.commands.token import verbs as declared
from edgewright.core import times
from edgewright.core.errors import InvalidInput, Refused
from edgewright.wire.palette.tokens import EdgeToken


class TokenCreate(declared.TokenCreate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what the token will allow. Raises `NotFound` for a project that is not there."""
        name, span = str(args["name"]).strip(), args.get("expires")
        seconds = float(span) if isinstance(span, (int, float)) else times.parse_span(str(span or "30d"))
        if not name or len(name) > 128 or not name.isprintable():
            raise InvalidInput("A token needs a name of 1 to 128 printable characters.")
        if seconds < 60:
            raise InvalidInput("A token is valid for a minute at least.", "Write --expires 12h or 30d")
        wanted = str(args.get("default_project") or "") or (await ctx.connection()).project_uid or ""
        uid = await project_uid(await ctx.port(CanListProjects), wanted) if wanted else await _only_project(ctx)
        end = times.now() + seconds
        lines = (f"Whoever has it may register hosts until {times.rfc3339(end)[:16]}Z.",)
        return Plan(f"Create token {name}", lines, (name,), (), self.cli_line(targets, args), None, (uid, end))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make the token and give its text."""
        tokens = await ctx.port(CanListTokens)
        project, expiry = plan.payload
        name = plan.touches[0]
        uid = await (await ctx.port(CanManageTokens)).create(name, project, expiry, str(args.get("description") or ""))
        document = await tokens.get(uid)
        token = EdgeToken(document)
        if not token.token:  # Palette returns the text in its list only
            document = next((t for t in await tokens.all() if EdgeToken(t).uid == uid), document)
            token = EdgeToken(document)
        until = f"valid until {times.rfc3339(token.expiry)[:10]}" if token.expiry else "without an end"
        message = f"Token {name} is created, {until}."
        return Outcome((uid,), (), message, Text(token.token, document, uid))


class TokenShow(declared.TokenShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Give one token and its hosts.

        Raises `NotFound`, `Conflict` when the name is not unique, `Refused` when the text is not for this role.
        """
        entry = await find(ctx, "token", plan.touches[0])
        document = entry.document
        if args.get("reveal") and not (document.get("spec") or {}).get("token"):
            raise Refused(
                f"The plane does not give the text of token {plan.touches[0]} to this credential.",
                "Ask with an API key of role admin.",
            )
        uid = str((document.get("metadata") or {}).get("uid"))
        hosts = await token_rows.hosts_by_token(ctx, [uid])
        names = None if hosts is None else sorted(hosts[uid])
        reveal = bool(args.get("reveal"))
        return Outcome((), result=token_rows.detail(entry, names, times.now(), reveal))


async def _only_project(ctx: CommandContext) -> str:
    """Return the project when there is only one, else "": hosts then have to name theirs."""
    projects = await (await ctx.port(CanListProjects)).all()
    return str((projects[0].get("metadata") or {}).get("uid", "")) if len(projects) == 1 else ""
