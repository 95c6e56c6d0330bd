"""Roles of the plane, as the store has them and as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core.filters.fields import FilterField
from edgewright.core.text import clean
from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, part, text, value
from edgewright.store.collections.rows import Row
from edgewright.store.table import Column, Facts, Look, Table, or_dash

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListRoles

MOST = 500
"""Permissions of a role that a row contains; Palette has about 300."""


class RoleRow(Row, frozen=True, array_like=True, gc=False):
    """One role, with its permissions for the tenant and in a single project."""

    uid: str
    name: str = ""
    description: str = ""
    permissions: tuple[str, ...] = ()
    in_project: tuple[str, ...] = ()

    def get(self, field: str) -> object:
        """Return the value of `field`; permissions as one text, for filters."""
        value = super().get(field)
        return ", ".join(value) if isinstance(value, tuple) else value


def role_row(doc: Mapping[str, Any], _at: float = 0.0) -> RoleRow | None:
    """Return the row of a role (`v1Role`); `None` when it names no uid."""
    meta, spec = part(doc, "metadata"), part(doc, "spec")
    uid = text(meta, "uid")
    if not uid:
        return None
    about = text(part(meta, "annotations"), "description")
    in_project = _permissions(part(spec, EXTENSION), "projectPermissions")
    return RoleRow(uid, text(meta, "name"), about, _permissions(spec, "permissions"), in_project)


def _permissions(spec: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = value(spec, key)
    return tuple(clean(name) for name in names[:MOST] if isinstance(name, str)) if isinstance(names, list) else ()


async def _read(roles: CanListRoles, _page: int) -> Documents:
    return await roles.all()


def _facts(row: RoleRow, _look: Look) -> tuple[Facts, ...]:
    facts = (("name", row.name), ("meaning", or_dash(row.description)), ("uid", row.uid))
    blocks: list[Facts] = [("ROLE", facts), ("PERMISSIONS OF THE TENANT", grouped(row.permissions))]
    if row.in_project:
        blocks.append(("PERMISSIONS IN A PROJECT", grouped(row.in_project)))
    return tuple(blocks)


def _headline(row: RoleRow) -> str:
    about = row.description or f"{len(row.permissions)} permissions"
    return f"{row.name}: {about}"


def grouped(permissions: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return permissions by what they are about: `edgehost` -> `get, list, update`."""
    kinds: dict[str, list[str]] = {}
    for name in permissions:
        kind, _, verb = name.partition(".")
        kinds.setdefault(kind, []).append(verb)
    return tuple((kind, ", ".join(verbs)) for kind, verbs in kinds.items())


TABLE: Table[RoleRow] = Table(
    "role",
    columns=(
        Column("name", "ROLE", 10, most=32, tone="strong"),
        Column("permissions", "PERMISSIONS", 11, right=True, value=lambda row, _: len(row.permissions)),
        Column("about", "MEANING", 24, weight=3, field="description", tone="muted"),
    ),
    listing=("name", "permissions", "about"),
    fields=(
        FilterField("name", "text", "name of the role", aliases=("role",), searched=True),
        FilterField("permission", "text", "a permission, e.g. edgehost.update", source="permissions", searched=True),
    ),
    example="permission:edgehost.update  name:admin  free text",
    facts=_facts,
    headline=_headline,
    nothing="This plane has no roles.",
)
ROLES = Collection(
    "roles",
    RoleRow,
    role_row,
    noun="role",
    change_kind="",
    cached=False,
    reading=Reading(_read, "roles", "CanListRoles", hub_only=True, quiet=NOT_FOR_ALL),
    table=TABLE,
)
