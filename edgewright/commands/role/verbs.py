"""Verbs that show roles; the plane's roles are fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright.commands.kernel.base import Command, Outcome, Param, Plan, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edgewright.commands.kernel.context import CommandContext


class RoleList(Command):
    """List the roles that users can have, from the most rights to the least."""

    name = "role list"
    title = "roles"
    no_key = "Roles rarely change; type :role."
    aliases = ("roles", "role")
    params = (Param("filter", "show only what matches: permission:edgehost.update", many=True, metavar="FILTER"),)
    opens = "roles"

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the roles that match. Raises `InvalidInput` for a filter that cannot be read."""
        from edgewright.commands.kernel.results import Listing
        from edgewright.commands.role import rows
        from edgewright.core.filters.fields import ROLE_FIELDS
        from edgewright.core.filters.filters import parse

        wanted = parse(" ".join(args.get("filter") or ()), ROLE_FIELDS)
        found = [rows.row(document) for document in await (await ctx.client()).roles()]
        items = tuple(rows.item(role) for role in found if wanted.matches(role.get))
        return Outcome((), result=Listing(rows.COLUMNS, items, "No role matches."))


class RoleShow(Command):
    """Show the permissions of one role, for the tenant and in a project."""

    name = "role show"
    title = "open"
    keys = ("d",)
    scope = "roles"
    target = Target("role", 1, 1)
    opens = "role"

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return one role. Raises `NotFound`."""
        from edgewright.commands.role import rows

        found = [rows.row(document) for document in await (await ctx.client()).roles()]
        return Outcome((), result=rows.detail(rows.find(found, plan.touches[0])))


COMMANDS: tuple[type[Command], ...] = (RoleList, RoleShow)
