"""Verbs that show users, create one, and make the link by which a user gets the first API key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edgewright.commands.kernel.context import CommandContext

ROLE_CHOICES = ("admin", "operator", "viewer", "none")
PROJECT_ROLE = Param(
    "project_roles",
    "role in a project, e.g. shop=operator (repeat)",
    flag="--project-role",
    many=True,
    metavar="PROJECT=ROLE",
    form="e.g. shop=operator; several with spaces between",
)
_USE = "Give it to the user on a way that you trust; it works once: edgewright context add NAME --activation-file FILE"


class UserCreate(Command):
    """Create a user and print the activation link: it gives the user the first API key, once, within 7 days."""

    name = "user create"
    title = "create"
    keys = ("plus",)
    scope = "users"
    danger = "write"
    asks = "Create a user"
    params = (
        Param("email", "email address of the user", required=True, metavar="EMAIL"),
        Param("first_name", "first name", flag="--first-name", metavar="NAME"),
        Param("last_name", "last name", flag="--last-name", metavar="NAME"),
        Param("role", "role of the tenant, in every project", flag="--role", choices=ROLE_CHOICES, default="none"),
        PROJECT_ROLE,
    )

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what the user may do. Raises `InvalidInput`, and `NotFound` for a project that does not exist."""
        from edgewright.commands.user import rows
        from edgewright.core.errors import InvalidInput

        email, role = str(args["email"]).strip(), str(args.get("role") or rows.NO_ROLE)
        if "@" not in email or len(email) > 254 or not email.isprintable() or " " in email:
            raise InvalidInput(f"{email[:60]!r} is not an email address.", "Write it as NAME@DOMAIN.")
        words = rows.project_role_words(args.get("project_roles") or ())
        uids = await rows.by_project_uid(await ctx.client(), words)
        lines = rows.role_lines(role, words)
        if role == rows.NO_ROLE and not words:
            lines.append("Without a role the user has no access: give one by --role or --project-role.")
        payload = (rows.role_uids(role), uids)
        return Plan(f"Create user {email}", tuple(lines), (email,), (), self.cli_line(targets, args), None, payload)

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Create the user and return the link. What cannot get its roles is deleted again."""
        from edgewright.commands.kernel.results import Text
        from edgewright.core.errors import EdgewrightError

        client, email = await ctx.client(), plan.touches[0]
        tenant, projects = plan.payload
        uid = await client.create_user(
            email, str(args.get("first_name") or ""), str(args.get("last_name") or ""), tenant
        )
        try:
            if projects:
                await client.set_project_roles(uid, projects)
        except EdgewrightError:
            await client.delete_user(uid)
            raise
        document = await client.user(uid)
        link = str((document.get("status") or {}).get("activationLink") or "")
        return Outcome((uid,), (), f"User {email} created. {_USE}", Text(link, document, uid))


class UserList(Command):
    """List users with their roles, state and keys."""

    name = "user list"
    title = "users"
    keys = ("9",)
    aliases = ("users", "user")
    params = (Param("filter", "show only what matches: role:admin state:active", many=True, metavar="FILTER"),)
    opens = "users"

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the users that match, by email address. Raises `InvalidInput` for a filter that cannot be read."""
        from edgewright.commands.kernel.results import Listing
        from edgewright.commands.user import rows
        from edgewright.core import times
        from edgewright.core.filters.fields import USER_FIELDS
        from edgewright.core.filters.filters import parse

        wanted = parse(" ".join(args.get("filter") or ()), USER_FIELDS)
        found = [rows.row(document) for document in await (await ctx.client()).users()]
        found = sorted((user for user in found if wanted.matches(user.get)), key=lambda user: user.email)
        now = times.now()
        empty = "No user matches." if args.get("filter") else "There is no user."
        return Outcome((), result=Listing(rows.COLUMNS, tuple(rows.item(user, now) for user in found), empty))


class UserShow(Command):
    """Show one user: roles, state, keys."""

    name = "user show"
    title = "open"
    keys = ("d",)
    scope = "users"
    target = Target("user", 1, 1)
    opens = "user"

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return one user. Raises `NotFound`, `Conflict`."""
        from edgewright.commands.user import rows
        from edgewright.core import times

        user = await rows.find_user(await ctx.client(), plan.touches[0])
        return Outcome((), result=rows.detail(user, times.now()))


class UserInvite(Command):
    """Make a new activation link for a user and print it; an older one ends. Keys of the user stay valid."""

    name = "user invite"
    title = "invite"
    keys = ("i",)
    scope = "users"
    danger = "write"
    target = Target("user", 1, 1)

    async def plan(self, ctx: CommandContext, targets: Sequence[str], args: Mapping[str, Any]) -> Plan:
        """Return what the link gives. Raises `NotFound`, `Conflict`."""
        from edgewright.commands.user import rows

        user = await rows.find_user(await ctx.client(), targets[0])
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
        from edgewright.commands.kernel.results import Text

        client, uid = await ctx.client(), plan.touches[0]
        await client.invite_user(uid)
        document = await client.user(uid)
        link = str((document.get("status") or {}).get("activationLink") or "")
        return Outcome((uid,), (), f"New activation link for {plan.name_of(uid)}. {_USE}", Text(link, document, uid))


COMMANDS: tuple[type[Command], ...] = (UserCreate, UserList, UserShow, UserInvite)
