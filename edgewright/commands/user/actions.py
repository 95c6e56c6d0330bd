"""Actions: verbs that show users, create one, and make the link by which a user gets the first API key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgewright.clients.ports import CanManageUsers
from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Listing, Text
from edgewright.commands.user import rows
from edgewright.commands.user import verbs as declared
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, InvalidInput
from edgewright.core.filters.fields import USER_FIELDS
from edgewright.core.filters.filters import parse

_USE = (
    "Give the user this link over a channel that you trust; it works once: "
    "edgewright context add NAME --activation-file FILE"
)


class UserCreate(declared.UserCreate):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what the user may do. Raises `InvalidInput`, and `NotFound` for a project that does not exist."""
        email, role = str(args["email"]).strip(), str(args.get("role") or rows.NO_ROLE)
        if "@" not in email or len(email) > 254 or not email.isprintable() or " " in email:
            raise InvalidInput(f"{email[:60]!r} is not an email address.", "Write it as NAME@DOMAIN.")
        words = rows.project_role_text(args.get("project_roles") or ())
        uids = await rows.by_project_uid(ctx, words)
        lines = rows.role_lines(role, words)
        if role == rows.NO_ROLE and not words:
            lines.append("Without a role the user has no access: give one by --role or --project-role.")
        payload = (rows.role_uids(role), uids)
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


class UserList(declared.UserList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the users that match, by email address. Raises `InvalidInput` for a filter that cannot be read."""
        wanted = parse(" ".join(args.get("filter") or ()), USER_FIELDS)
        found = await rows.every_user(ctx)
        found = sorted((user for user in found if wanted.matches(user.get)), key=lambda user: user.email)
        now = times.now()
        empty = "No user matches." if args.get("filter") else "There is no user."
        return Outcome((), result=Listing(rows.COLUMNS, tuple(rows.item(user, now) for user in found), empty))


class UserShow(declared.UserShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return one user. Raises `NotFound`, `Conflict`."""
        user = await rows.find_user(ctx, plan.touches[0])
        return Outcome((), result=rows.detail(user, times.now()))


class UserInvite(declared.UserInvite):
    """See the declaration."""

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what the link gives. Raises `NotFound`, `Conflict`."""
        user = await rows.find_user(ctx, targets[0])
        lines = [f"{user.email} is {user.state}, role {user.role}, {user.keys} API keys"]
        lines.append("Whoever has the link gets an API key of this user, once, within 7 days.")
        if user.state == "inactive":
            lines.append("The link makes the user active again.")
        names = {user.uid: user.email}
        cli = self.cli_line((user.email,), args)
        return Plan(f"Invite {user.email}", tuple(lines), (user.uid,), (), cli, None, None, names)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Make the link and return it."""
        users, uid = await ctx.port(CanManageUsers), plan.touches[0]
        await users.invite(uid)
        document = await users.get(uid)
        link = str((document.get("status") or {}).get("activationLink") or "")
        return Outcome((uid,), (), f"New activation link for {plan.name_of(uid)}. {_USE}", Text(link, document, uid))
