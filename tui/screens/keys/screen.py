"""The list of SSH keys that are offered for hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual import on

from edgewright.commands.kernel.base import Scope
from edgewright.commands.key import rows
from edgewright.core.filters.fields import SSH_KEY_FIELDS
from edgewright.store.collections.ssh_keys import SSH_KEYS
from tui.frame.ages import age_of
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


async def keys_by_uid(ctx: CommandContext) -> dict[str, rows.KeyRow]:
    """Return all keys by uid, in the order of their names. Raises `EdgewrightError`."""
    return {key.uid: key for key in await rows.every_key(ctx)}


class KeysScreen(FetchedListing):
    """SSH keys of the project and of the tenant; create and delete are its verbs."""

    scope: ClassVar[Scope] = "keys"
    view = "keys"
    audit_kind = "sshkey"
    collections = Fetches.collections | {SSH_KEYS.name}
    nothing = "No SSH key yet. Press + to store one; installers do not use stored keys yet."
    held: ClassVar[int] = 1
    hints = ("nav-open=open", "filter", "key-create=new", "mark", "key-delete")
    filter_fields = SSH_KEY_FIELDS
    filter_example = "type:ssh-rsa  bits<3072  project:shop  comment:ana  age>365d  free text"
    moments: ClassVar[dict[str, str]] = {"created": "created"}
    default_sort = ("name", False)
    table_columns = (
        Column("name", "KEY", 10, most=40),
        Column("kind", "TYPE", 11, most=24),
        Column("bits", "BITS", 5, "right"),
        Column("project", "PROJECT", 7, most=24),
        Column("comment", "COMMENT", 12, most=40),
        Column("fingerprint", "FINGERPRINT", 16, weight=2),
        Column("created", "AGE", 4, "right"),
    )

    async def fetched(self, ctx: CommandContext) -> dict[str, Any]:
        """Return all keys."""
        return await keys_by_uid(ctx)

    def entry(self, row: rows.KeyRow) -> Listed:
        """Return a key as a row."""
        cells = (
            Span(row.name, "strong"),
            Span(row.kind, ""),
            Span(str(row.bits) if row.bits else UNKNOWN, ""),
            Span(row.project, "muted" if row.project == rows.TENANT else ""),
            Span(row.comment or UNKNOWN, ""),
            Span(row.fingerprint or UNKNOWN, "muted"),
            Span(age_of(row.created, self.now), "muted"),
        )
        born = -row.created if row.created else None
        order = (row.name.lower(), row.kind, row.bits, row.project, row.comment, row.fingerprint, born)
        return Listed(row.uid, cells, order, row.get)

    def told(self, row: rows.KeyRow) -> Detail:
        """Return a key in full."""
        return rows.detail(row, self.now)

    @on(VirtualTable.RowSelected)
    def _open(self, event: VirtualTable.RowSelected) -> None:
        open_key(self.app, f"key/{event.key}")
