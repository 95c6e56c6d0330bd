"""The list of roles with what each may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from edgewright.commands.kernel.base import Scope
from edgewright.commands.role import rows
from edgewright.core.filters.fields import ROLE_FIELDS
from edgewright.store.collections.roles import ROLES
from tui.frame.document_values import UNKNOWN
from tui.frame.fetched import FetchedListing, Fetches
from tui.frame.links import open_key
from tui.frame.lists.listing import Listed
from tui.widgets.lines import Span
from tui.widgets.table_layout import Column
from tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Detail


async def every_role(ctx: CommandContext) -> dict[str, rows.RoleRow]:
    """Return the roles by uid, in the plane's order. Raises `EdgewrightError`."""
    found = await rows.every_role(ctx)
    return {role.uid: role for role in found}


class RolesScreen(FetchedListing):
    """The roles of the plane; no one changes them here."""

    scope: ClassVar[Scope] = "roles"
    view = "roles"
    audit_kind = "role"
    collections = Fetches.collections | {ROLES.name}
    nothing = "This plane has no roles."
    held: ClassVar[int] = 1
    hints = ("nav-open=open", "filter", "sort-name", "export")
    filter_fields = ROLE_FIELDS
    filter_example = "permission:edgehost.update  name:admin  free text"
    table_columns = (
        Column("name", "ROLE", 10, most=32),
        Column("permissions", "PERMISSIONS", 11, "right"),
        Column("about", "MEANING", 24, weight=3),
    )

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return all roles."""
        return await every_role(ctx)

    def entry(self, row: rows.RoleRow) -> Listed:
        """Return a role as a row."""
        cells = (
            Span(row.name, "strong"),
            Span(str(len(row.permissions)), ""),
            Span(row.description or UNKNOWN, "muted"),
        )
        return Listed(row.uid, cells, (row.name.lower(), len(row.permissions), row.description), row.get)

    def told(self, row: rows.RoleRow) -> Detail:
        """Return a role with its permissions."""
        return rows.detail(row)

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        open_key(self.app, f"role/{event.key}")
