"""Roles of a user as they are typed and as they are in a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgewright.clients.palette.projects import project_uid
from edgewright.clients.ports import CanListProjects
from edgewright.core import roles
from edgewright.core.errors import InvalidInput
from edgewright.core.text import clean
from edgewright.store.collections.users import NO_ROLE

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext


def role_uids(given: object) -> list[str]:
    """Return the uids for a role by name, `[]` for `none`. Raises `InvalidInput`."""
    text = str(given or "").strip().lower()
    if text == NO_ROLE:
        return []
    role = roles.parse(text)
    if role is None:
        raise InvalidInput(f"There is no role {clean(text)!r}.", f"Roles are {', '.join(roles.ROLES)}, or {NO_ROLE}.")
    return [roles.uid(role)]


def project_role_text(given: Sequence[str]) -> dict[str, list[str]]:
    """Return uids of roles by project from texts `PROJECT=ROLE`. Raises `InvalidInput`."""
    projects: dict[str, list[str]] = {}
    for text in given:
        project, equals, role = str(text).rpartition("=")
        if not equals or not project.strip():
            raise InvalidInput(f"{clean(text)!r} is not PROJECT=ROLE.", "For example: --project-role shop=operator")
        projects[project.strip()] = role_uids(role)
    return projects


async def by_project_uid(ctx: CommandContext, wanted: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return roles by uid of the project in place of its name. Raises `NotFound`."""
    if not wanted:
        return {}
    projects = await ctx.port(CanListProjects)
    return {await project_uid(projects, project): mine for project, mine in wanted.items()}


def role_lines(role: str, projects: Mapping[str, list[str]]) -> list[str]:
    """Return what roles mean, for a plan."""
    lines = []
    if role:
        lines.append(f"Role of the tenant: {role}" + (" (every action)" if role == roles.ADMIN else ""))
    for project, uids in projects.items():
        names = [roles.by_uid().get(uid, uid) for uid in uids]
        lines.append(f"Role in the project {clean(project)}: {', '.join(names) or NO_ROLE}")
    return lines
