"""Actions: verbs that show roles; the plane's roles are fixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgewright.commands.kernel.base import Outcome, Plan
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.kernel.results import Listing
from edgewright.commands.role import rows
from edgewright.commands.role import verbs as declared
from edgewright.core.filters.fields import ROLE_FIELDS
from edgewright.core.filters.filters import parse


class RoleList(declared.RoleList):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return the roles that match. Raises `InvalidInput` for a filter that cannot be read."""
        wanted = parse(" ".join(args.get("filter") or ()), ROLE_FIELDS)
        roles = await rows.every_role(ctx)
        items = tuple(rows.item(role) for role in roles if wanted.matches(role.get))
        return Outcome((), result=Listing(rows.COLUMNS, items, "No role matches."))


class RoleShow(declared.RoleShow):
    """See the declaration."""

    async def apply(
        self, ctx: CommandContext, plan: Plan, args: Mapping[str, Any], report: Callable[[str], None]
    ) -> Outcome:
        """Return one role. Raises `NotFound`."""
        roles = await rows.every_role(ctx)
        return Outcome((), result=rows.detail(rows.find(roles, plan.touches[0])))
