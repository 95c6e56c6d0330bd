"""Actions: verbs that create a user, and make the link by which a user gets the first API key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanManageUsers
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.described import find
from edgewright.commands.kernel.results import Text
from edgewright.commands.user import roles
from edgewright.commands.user import verbs as declared
from edgewright.core.errors import EdgewrightError, InvalidInput
from edgewright.store.collections.users import NO_ROLE

_USE = (
    "Give the user this link over a channel that you trust; it works once: "
    "edgewright context add NAME --activation-file FILE"
)


class UserCreate(declared.UserCreate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what the user may do. Raises `InvalidInput`, and `NotFound` for a project that does not exist."""
        email, role = str(args["email"]).strip(), str(args.get("role") or NO_ROLE)
        if "@" not in email or len(email) > 254 or not email.isprintable() or " " in email:
            raise InvalidInput(f"{email[:60]!r} is not an email address.", "Write it as NAME@DOMAIN.")
        project_roles = roles.project_role_text(args.get("project_roles") or ())
        uids = await roles.by_project_uid(ctx, project_roles)
        lines = roles.role_lines(role, project_roles)
        if role == NO_ROLE and not project_roles:
            lines.append("Without a role the user has no access: give one by --role or --project-role.")
        payload = (roles.role_uids(role), uids)
        return Plan(f"Create user {email}", tuple(lines), (email,), (), self.cli_line(targets, args), None, payload)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Create the user and return the link. What cannot get its roles is deleted again."""
        users, email = await ctx.port(CanManageUsers), plan.touches[0]
        tenant, projects = plan.payload
        uid = await users.create(email, str(args.get("first_name") or ""), str(args.get("last_name") or ""), tenant)
        try:
            if projects:
                await users.set_project_roles(uid, projects)
        except EdgewrightError:
            await users.delete(uid)
            raise
        document = await users.get(uid)
        link = str((document.get("status") or {}).get("activationLink") or "")
        return Outcome((uid,), (), f"User {email} created. {_USE}", Text(link, document, uid))


class UserInvite(declared.UserInvite):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what the link gives. Raises `NotFound`, `Conflict`."""
        user = (await find(ctx, "user", targets[0])).row
        lines = [f"{user.name} is {user.state}, role {user.role}, {user.keys} API keys"]
        lines.append("Whoever has the link gets an API key of this user, once, within 7 days.")
        if user.state == "inactive":
            lines.append("The link makes the user active again.")
        names = {user.uid: user.name}
        cli = self.cli_line((user.name,), args)
        return Plan(f"Invite {user.name}", tuple(lines), (user.uid,), (), cli, None, None, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make the link and return it."""
        users, uid = await ctx.port(CanManageUsers), plan.touches[0]
        await users.invite(uid)
        document = await users.get(uid)
        link = str((document.get("status") or {}).get("activationLink") or "")
        return Outcome((uid,), (), f"New activation link for {plan.name_of(uid)}. {_USE}", Text(link, document, uid))
