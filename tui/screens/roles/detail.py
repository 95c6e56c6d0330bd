"""One role with its permissions, for the tenant and in a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.commands.role import rows
from edgewright.store.collections.roles import ROLES
from tui.frame.fetched import FetchedDetail, Fetches
from tui.screens.roles.screen import every_role

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Detail


class RoleScreen(FetchedDetail):
    """Shows one role."""

    scope: ClassVar[Scope] = "roles"
    view = "role"
    audit_kind = "role"
    collections = Fetches.collections | {ROLES.name}
    missing = "This role does not exist any more."

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return all roles."""
        return await every_role(ctx)

    def told(self, row: rows.RoleRow) -> Detail:
        """Return the role in full."""
        return rows.detail(row)
