"""Users as rows of a table and as a detail; how one is found by a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright.clients.palette.projects import project_uid
from edgewright.clients.ports import CanListProjects, CanListUsers
from edgewright.commands.kernel.cells import ago, or_dash, stamp
from edgewright.commands.kernel.results import Column, Detail, Item, Section
from edgewright.config.nearest import suggestion
from edgewright.core import roles
from edgewright.core.errors import Conflict, InvalidInput, NotFound
from edgewright.core.text import clean
from edgewright.wire.palette.users import User

if TYPE_CHECKING:
    from edgewright.commands.kernel.context import CommandContext

COLUMNS = (
    Column("USER"),
    Column("NAME"),
    Column("ROLE"),
    Column("PROJECTS"),
    Column("STATE"),
    Column("KEYS", right=True),
    Column("SIGNED IN", right=True),
    Column("AGE", right=True),
    Column("UID", wide=True),
)
NO_ROLE = "none"
MASK = "********"


class UserRow(NamedTuple):
    """What lists show of a user."""

    uid: str
    email: str
    name: str
    role: str
    projects: str
    """Projects with the role in each: `shop: operator, lab: viewer`."""
    state: str
    keys: int
    last_sign_in: float | None
    created: float | None
    document: dict[str, Any]

    def get(self, name: str) -> object:
        """Return a value by name, for filters."""
        return getattr(self, name, None)


def row(document: dict[str, Any]) -> UserRow:
    """Return a row of a user's document (`v1UserSummary`)."""
    user = User(document)
    names = [role.name for role in user.roles if role.name]
    tenant = user.tenant_role or ", ".join(names)
    mine = user.project_roles or {project.name or project.uid: "" for project in user.projects}
    projects = ", ".join(f"{clean(name)}: {role}" if role else clean(name) for name, role in sorted(mine.items()))
    state = "active" if user.is_active else "invited" if user.pending else "inactive"
    return UserRow(
        uid=clean(user.uid),
        email=clean(user.email),
        name=clean(user.name) if user.name != user.email else "",
        role=clean(tenant) or NO_ROLE,
        projects=projects,
        state=state,
        keys=user.keys or 0,
        last_sign_in=user.last_sign_in,
        created=user.created,
        document=document,
    )


def masked(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the activation link masked."""
    status = document.get("status")
    if not isinstance(status, dict) or not status.get("activationLink"):
        return document
    return {**document, "status": {**status, "activationLink": MASK}}


def item(user: UserRow, now: float) -> Item:
    """Return a user as a row of a listing."""
    cells = (
        user.email,
        or_dash(user.name),
        user.role,
        or_dash(user.projects),
        user.state,
        str(user.keys),
        ago(user.last_sign_in, now),
        ago(user.created, now),
        user.uid,
    )
    return Item(user.email or user.uid, cells, masked(user.document))


def detail(user: UserRow, now: float) -> Detail:
    """Return a user as one reads it."""
    facts = (
        ("email", user.email),
        ("name", or_dash(user.name)),
        ("state", user.state),
        ("role", user.role),
        ("projects", or_dash(user.projects)),
        ("API keys", str(user.keys)),
        ("signed in", stamp(user.last_sign_in)),
        ("created", stamp(user.created)),
        ("uid", user.uid),
    )
    headline = f"{user.email} is {user.state}"
    return Detail(user.email or user.uid, masked(user.document), headline, (Section("USER", facts),))


async def every_user(ctx: CommandContext) -> list[UserRow]:
    """Return the users. Raises `EdgewrightError`."""
    return [row(document) for document in await (await ctx.port(CanListUsers)).all()]


async def find_user(ctx: CommandContext, word: str) -> UserRow:
    """Return a user by uid, email address or name. Raises `NotFound`, or `Conflict` when a name is not unique."""
    users = await every_user(ctx)
    for user in users:
        if user.uid == word or user.email.lower() == word.lower():
            return user
    named = [user for user in users if user.name == word]
    if len(named) > 1:
        raise Conflict(f"{len(named)} users are called {clean(word)}.", "Use the email address: edgewright user list")
    if not named:
        near = suggestion(word, [user.email for user in users])
        raise NotFound(f"There is no user {clean(word)}{near}.", "See them: edgewright user list")
    return named[0]


def role_uids(word: object) -> list[str]:
    """Return the uids for a role by name, `[]` for `none`. Raises `InvalidInput`."""
    text = str(word or "").strip().lower()
    if text == NO_ROLE:
        return []
    role = roles.parse(text)
    if role is None:
        raise InvalidInput(f"There is no role {clean(text)!r}.", f"Roles are {', '.join(roles.ROLES)}, or {NO_ROLE}.")
    return [roles.uid(role)]


def project_role_text(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return uids of roles by project from `PROJECT=ROLE` words. Raises `InvalidInput`."""
    roles: dict[str, list[str]] = {}
    for word in texts:
        project, equals, role = str(word).rpartition("=")
        if not equals or not project.strip():
            raise InvalidInput(f"{clean(word)!r} is not PROJECT=ROLE.", "For example: --project-role shop=operator")
        roles[project.strip()] = role_uids(role)
    return roles


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
        names = [roles.BY_UID.get(uid, uid) for uid in uids]
        lines.append(f"Role in the project {clean(project)}: {', '.join(names) or NO_ROLE}")
    return lines
