"""Actions: verbs that change users: update, activate, deactivate, delete."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanManageUsers
from edgewright.commands.kernel.base import Command, Outcome, Plan
from edgewright.commands.kernel.bulk import for_each
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import find
from edgewright.commands.user import change_verbs as declared
from edgewright.commands.user import roles
from edgewright.core.errors import UsageError
from edgewright.store.collections.users import NO_ROLE
from edgewright.wire.palette.users import User


class UserUpdate(declared.UserUpdate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what changes. Raises `NotFound`, `Conflict`, `InvalidInput`."""
        user = (await find(ctx, "user", targets[0])).row
        keys = {"email": "emailId", "first_name": "firstName", "last_name": "lastName"}
        properties = {keys[name]: str(args[name]).strip() for name in keys if args.get(name)}
        project_roles = roles.project_role_text(args.get("project_roles") or ())
        role = str(args.get("role") or "")
        if not properties and not project_roles and not role:
            raise UsageError("Nothing to change is given.", "See: edgewright user update --help")
        projects: dict[str, list[str]] | None = None
        if project_roles:
            users = await ctx.port(CanManageUsers)
            projects = {**await users.project_roles(user.uid), **await roles.by_project_uid(ctx, project_roles)}
        lines = [f"{user.name}: role {user.role}, projects {user.access or NO_ROLE}"]
        lines += [f"{name} becomes {value}" for name, value in properties.items()]
        lines += roles.role_lines(role, project_roles)
        payload = (properties, roles.role_uids(role) if role else None, projects)
        cli, names = self.cli_line((user.name,), args), {user.uid: user.name}
        return Plan(f"Change user {user.name}", tuple(lines), (user.uid,), (), cli, None, payload, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Change the user; rights are taken or given first."""
        users, uid = await ctx.port(CanManageUsers), plan.touches[0]
        properties, tenant, projects = plan.payload
        if tenant is not None:
            await users.set_tenant_roles(uid, tenant)
        if projects is not None:
            await users.set_project_roles(uid, projects)
        if properties:
            await users.update(uid, **properties)
        return Outcome((uid,), (), f"User {plan.name_of(uid)} changed.")


class UserActivate(declared.UserActivate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return whose keys work again. Raises `NotFound`, `Conflict`."""
        effect = "API keys that were made before work again; activation links do not."
        return await _plan(self, ctx, targets, "Activate", effect, ())

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Activate, user by user; the message names those who have no API key and therefore need a new link."""
        users = await ctx.port(CanManageUsers)
        outcome = await for_each(plan, lambda uid: users.set_active(uid, True), report, "active")
        stuck = [plan.name_of(uid) for uid in outcome.done if uid in plan.payload]
        if not stuck:
            return outcome
        who = stuck[0] if len(stuck) == 1 else f"{len(stuck)} of them"
        hint = f"edgewright user invite {shlex.quote(stuck[0])}"
        return outcome._replace(message=f"{outcome.message} No API key yet for {who}; make a new link: {hint}")


class UserDeactivate(declared.UserDeactivate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return whose access ends. Raises `NotFound`, `Conflict`."""
        effect = "API keys, sessions and open consoles of these users end at once; `user activate` restores the keys."
        return await _plan(self, ctx, targets, "Deactivate", effect, ())

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Deactivate, user by user."""
        users = await ctx.port(CanManageUsers)
        return await for_each(plan, lambda uid: users.set_active(uid, False), report, "inactive")


class UserDelete(declared.UserDelete):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what ends. Raises `NotFound`, `Conflict`."""
        effect = (
            "API keys, sessions and open consoles of these users end at once. What they did stays in the audit log."
        )
        return await _plan(self, ctx, targets, "Delete", effect, ("the users, their roles and API keys",))

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Delete, user by user."""
        users = await ctx.port(CanManageUsers)
        return await for_each(plan, users.delete, report, "deleted")


async def _plan(
    command: Command, ctx: CommandContext, targets: Sequence[str], verb: str, effect: str, cannot_undo: tuple[str, ...]
) -> Plan:
    entries = {entry.row.uid: entry for entry in [await find(ctx, "user", text) for text in targets]}
    users = {uid: entry.row for uid, entry in entries.items()}
    emails = [user.name for user in users.values()]
    lines = [f"{user.name} is {user.state}, role {user.role}, {user.keys} API keys" for user in users.values()]
    title = f"{verb} user {emails[0]}" if len(emails) == 1 else f"{verb} {len(emails)} users"
    typed = emails[0] if len(emails) == 1 else str(len(emails))
    confirm = typed if verb == "Delete" and ctx.settings.typed_confirmation else None
    cli, names = command.cli_line(emails, {}), dict(zip(users, emails, strict=True))
    without_key = tuple(uid for uid, entry in entries.items() if User(entry.document).keys == 0)
    return Plan(title, (*lines, effect), tuple(users), cannot_undo, cli, confirm, without_key, names)
