"""One SSH key with its fingerprint and text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from edgewright.commands.kernel.base import Scope
from edgewright.commands.key import rows
from edgewright.store.collections.ssh_keys import SSH_KEYS
from tui.frame.fetched import FetchedDetail, Fetches
from tui.screens.keys.screen import keys_by_uid

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.kernel.results import Detail


class KeyScreen(FetchedDetail):
    """Shows one SSH key."""

    scope: ClassVar[Scope] = "keys"
    view = "key"
    audit_kind = "sshkey"
    collections = Fetches.collections | {SSH_KEYS.name}
    missing = "This SSH key does not exist any more."
    hints = ("key-delete",)

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return all keys."""
        return await keys_by_uid(ctx)

    def told(self, row: rows.KeyRow) -> Detail:
        """Return the key in full."""
        return rows.detail(row, self.now)
