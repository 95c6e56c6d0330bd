"""Roles of the plane, as the store has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.document_values import part, text, texts
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListRoles


class RoleRow(Row, frozen=True, array_like=True, gc=False):
    """One role, with the first of its permissions for the tenant."""

    uid: str
    name: str = ""
    description: str = ""
    permissions: tuple[str, ...] = ()


def role_row(doc: Mapping[str, Any], _at: float = 0.0) -> RoleRow | None:
    """Return the row of a role (`v1Role`); `None` when it names no uid."""
    meta = part(doc, "metadata")
    uid = text(meta, "uid")
    if not uid:
        return None
    about = text(part(meta, "annotations"), "description")
    return RoleRow(uid, text(meta, "name"), about, texts(part(doc, "spec"), "permissions"))


async def _read(roles: CanListRoles, _page: int) -> Documents:
    return await roles.all()


ROLES = Collection(
    "roles",
    RoleRow,
    role_row,
    noun="role",
    change_kind="",
    cached=False,
    reading=Reading(_read, "roles", "CanListRoles", hub_only=True, quiet=NOT_FOR_ALL),
)
