"""One user: roles, state, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.commands.user import rows
from edgewright.store.collections.users import USERS
from tui.frame.fetched import FetchedDetail, Fetches
from tui.screens.users.screen import every_user

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Detail


class UserScreen(FetchedDetail):
    """Shows one user; its verbs are those of the list."""

    scope: ClassVar[Scope] = "users"
    view = "user"
    audit_kind = "user"
    collections = Fetches.collections | {USERS.name}
    missing = "This user does not exist any more."
    hints = ("user-update=change", "user-invite=invite", "user-activate", "user-deactivate", "user-delete")

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return all users."""
        return await every_user(ctx)

    def told(self, row: rows.UserRow) -> Detail:
        """Return the user in full."""
        return rows.detail(row, self.now)
