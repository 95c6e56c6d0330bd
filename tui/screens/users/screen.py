"""The list of users: who they are, their roles, whether they are active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from edgewright.commands.kernel.base import Scope
from edgewright.commands.user import rows
from edgewright.core import roles
from edgewright.core.filters.fields import USER_FIELDS
from edgewright.store.collections.users import USERS
from tui.frame.ages import age_of
from tui.frame.document_values import UNKNOWN
from tui.frame.fetched import FetchedListing, Fetches
from tui.frame.links import open_key
from tui.frame.lists.listing import Listed
from tui.widgets.lines import Role, Span
from tui.widgets.table_layout import Column
from tui.widgets.virtual_table import VirtualTable

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Detail

STATES: dict[str, tuple[str, Role]] = {"active": ("•", "ok"), "invited": ("‼", "warn"), "inactive": ("▬", "parked")}
_RANK = {role: place for place, role in enumerate((*roles.ROLES, rows.NO_ROLE))}


async def every_user(ctx: CommandContext) -> dict[str, rows.UserRow]:
    """Return all users by uid, in the order of their email addresses. Raises `EdgewrightError`."""
    users = sorted(await rows.every_user(ctx), key=lambda user: user.email.lower())
    return {user.uid: user for user in users}


class UsersScreen(FetchedListing):
    """All users of the plane; create, update, invite, activate, deactivate and delete are its verbs."""

    scope: ClassVar[Scope] = "users"
    view = "users"
    audit_kind = "user"
    collections = Fetches.collections | {USERS.name}
    nothing = "No user yet."
    hints = (
        "nav-open=open",
        "filter",
        "user-create=new",
        "user-update=change",
        "user-invite=invite",
        "mark",
        "user-activate",
        "user-deactivate",
        "user-delete",
    )
    filter_fields = USER_FIELDS
    filter_example = "role:admin  state:active  project:shop  keys>0  signed-in<7d  free text"
    moments: ClassVar[dict[str, str]] = {"signed_in": "last_sign_in", "created": "created"}
    default_sort = ("name", False)
    table_columns = (
        Column("sign", " ", 1),
        Column("name", "USER", 12, most=40),
        Column("full_name", "NAME", 6, most=24),
        Column("role", "ROLE", 8),
        Column("state", "STATE", 8),
        Column("keys", "KEYS", 4, "right"),
        Column("signed_in", "LOGIN", 5, "right"),
        Column("created", "AGE", 4, "right"),
        Column("projects", "PROJECTS", 12, weight=3),
    )

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return all users."""
        return await every_user(ctx)

    def entry(self, row: rows.UserRow) -> Listed:
        """Return a user as a row."""
        sign, role = STATES.get(row.state, STATES["inactive"])
        calm: Role = "" if row.state == "active" else "muted"
        cells = (
            Span(sign, role),
            Span(row.email, "strong" if row.state == "active" else "muted"),
            Span(row.name or UNKNOWN, calm),
            Span(row.role, "warn" if row.role == roles.ADMIN and row.state == "active" else calm),
            Span(row.state, role),
            Span(str(row.keys), calm),
            Span(age_of(row.last_sign_in, self.now), "muted"),
            Span(age_of(row.created, self.now), "muted"),
            Span(row.projects or UNKNOWN, calm),
        )
        since = -row.last_sign_in if row.last_sign_in else None
        born = -row.created if row.created else None
        rank = _RANK.get(row.role, len(_RANK))
        order = (row.state, row.email.lower(), row.name.lower(), rank, row.state, row.keys, since, born, row.projects)
        return Listed(row.uid, cells, order, row.get)

    def describe(self, row: rows.UserRow) -> Detail:
        """Return a user in full."""
        return rows.detail(row, self.now)

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        open_key(self.app, f"user/{event.key}")
