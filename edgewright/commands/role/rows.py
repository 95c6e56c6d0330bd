"""Roles as rows of a table and as a detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.ports import CanListRoles
from edgewright.commands.kernel.cells import or_dash
from edgewright.commands.kernel.results import Column, Detail, Item, Section
from edgewright.config.nearest import suggestion
from edgewright.core.errors import NotFound
from edgewright.core.text import clean
from edgewright.wire.palette.users import Role

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

COLUMNS = (Column("ROLE"), Column("PERMISSIONS", right=True), Column("MEANING"), Column("UID", wide=True))


class RoleRow(NamedTuple):
    """What lists show of a role."""

    uid: str
    name: str
    description: str
    permissions: tuple[str, ...]
    in_project: tuple[str, ...]
    """Permissions in a single project."""
    document: dict[str, Any]

    def get(self, name: str) -> object:
        """Return a value by name, for filters."""
        value = getattr(self, name, None)
        return ", ".join(value) if isinstance(value, tuple) else value


def row(document: dict[str, Any]) -> RoleRow:
    """Return a row of a role's document (`v1Role`)."""
    role = Role(document)
    permissions = tuple(clean(name) for name in role.permissions())
    in_project = tuple(clean(name) for name in role.permissions("projectPermissions"))
    return RoleRow(clean(role.uid), clean(role.name), clean(role.description), permissions, in_project, document)


def item(role: RoleRow) -> Item:
    """Return a role as a row of a listing."""
    cells = (role.name, str(len(role.permissions)), or_dash(role.description), role.uid)
    return Item(role.name or role.uid, cells, role.document)


def detail(role: RoleRow) -> Detail:
    """Return a role as one reads it."""
    facts = (("name", role.name), ("meaning", or_dash(role.description)), ("uid", role.uid))
    sections = [Section("ROLE", facts), Section("PERMISSIONS OF THE TENANT", grouped(role.permissions))]
    if role.in_project:
        sections.append(Section("PERMISSIONS IN A PROJECT", grouped(role.in_project)))
    headline = f"{role.name}: {role.description or f'{len(role.permissions)} permissions'}"
    return Detail(role.name or role.uid, role.document, headline, tuple(sections))


def grouped(permissions: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return permissions by what they are about: `edgehost` -> `get, list, update`."""
    permissions_by_noun: dict[str, list[str]] = {}
    for name in permissions:
        kind, _, verb = name.partition(".")
        permissions_by_noun.setdefault(kind, []).append(verb)
    return tuple((kind, ", ".join(verbs)) for kind, verbs in permissions_by_noun.items())


def find(roles: list[RoleRow], word: str) -> RoleRow:
    """Return a role by name or uid. Raises `NotFound`."""
    for role in roles:
        if word in (role.uid, role.name):
            return role
    near = suggestion(word, [role.name for role in roles])
    raise NotFound(f"There is no role {clean(word)}{near}.", "See them: edgewright role list")


async def every_role(ctx: CommandContext) -> list[RoleRow]:
    """Return the roles. Raises `EdgewrightError`."""
    return [row(document) for document in await (await ctx.port(CanListRoles)).all()]
