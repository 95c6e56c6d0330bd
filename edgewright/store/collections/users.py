"""Users of the plane, as the store has them and as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.core import roles
from edgewright.core.filters.fields import FilterField
from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, MAX_ITEMS, flag, integer, part, parts, text, when
from edgewright.store.collections.rows import Row
from edgewright.store.table import Column, Facts, Look, Table, or_dash, stamp

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListUsers

NO_ROLE = "none"
MASK = "********"
SIGNS: dict[str, tuple[str, str]] = {"active": ("•", "ok"), "invited": ("‼", "warn"), "inactive": ("▬", "parked")}
"""Sign and role of the theme of each state."""
_RANK = {role: place for place, role in enumerate((*roles.ROLES, NO_ROLE))}


class UserRow(Row, frozen=True, array_like=True, gc=False):
    """One user. `name` is the email address, `full_name` the name of the user, `projects` are uids.

    `access` has the projects with the role in each: `lab: viewer, shop: operator`.
    """

    uid: str
    name: str = ""
    full_name: str = ""
    role: str = ""
    projects: tuple[str, ...] = ()
    state: str = ""
    keys: int = 0
    last_sign_in: float | None = None
    created: float | None = None
    access: str = ""


def user_row(doc: Mapping[str, Any], _at: float = 0.0) -> UserRow | None:
    """Return the row of a user (`v1UserSummary`), never with the activation link; `None` when it names no uid."""
    meta, spec, status = part(doc, "metadata"), part(doc, "spec"), part(doc, "status")
    uid = text(meta, "uid")
    if not uid:
        return None
    ours, email, called = part(spec, EXTENSION), text(spec, "emailId") or text(meta, "name"), text(meta, "name")
    named = ", ".join(filter(None, (text(role, "name") for role in parts(spec, "roles"))))
    both = " ".join(filter(None, (text(spec, "firstName"), text(spec, "lastName"))))
    pending = flag(part(status, EXTENSION), "pending")
    projects = parts(spec, "projects")[:MAX_ITEMS]
    return UserRow(
        uid=uid,
        name=email,
        full_name=called if called and called != email else both,
        role=text(ours, "tenantRole") or named or NO_ROLE,
        projects=tuple(filter(None, (text(project, "uid") for project in projects))),
        state="active" if flag(status, "isActive") else "invited" if pending else "inactive",
        keys=max(0, integer(ours, "keys") or 0),
        last_sign_in=when(status, "lastSignIn"),
        created=when(meta, "creationTimestamp"),
        access=_access(part(ours, "projectRoles"), projects),
    )


def _access(mine: Mapping[str, Any], projects: list[Mapping[str, Any]]) -> str:
    names = {text(project, "uid"): text(project, "name") or text(project, "uid") for project in projects}
    given = {names.get(uid, uid): text(mine, uid) for uid in mine} or dict.fromkeys(names.values(), "")
    return ", ".join(f"{name}: {role}" if role else name for name, role in sorted(given.items()))


async def _read(users: CanListUsers, _page: int) -> Documents:
    return await users.all()


def _conceal(document: dict[str, Any]) -> dict[str, Any]:
    status = document.get("status")
    if not isinstance(status, dict) or not status.get("activationLink"):
        return document
    return {**document, "status": {**status, "activationLink": MASK}}


def _facts(row: UserRow, _look: Look) -> tuple[Facts, ...]:
    facts = (
        ("email", row.name),
        ("name", or_dash(row.full_name)),
        ("state", row.state),
        ("role", row.role),
        ("projects", or_dash(row.access)),
        ("API keys", str(row.keys)),
        ("signed in", stamp(row.last_sign_in)),
        ("created", stamp(row.created)),
        ("uid", row.uid),
    )
    return (("USER", facts),)


def _calm(row: UserRow) -> str:
    return "" if row.state == "active" else "muted"


def _sign(row: UserRow, _look: Look) -> str:
    return SIGNS[row.state][0]


def _state_tone(row: UserRow) -> str:
    return SIGNS[row.state][1]


TABLE: Table[UserRow] = Table(
    "user",
    columns=(
        Column("sign", " ", 1, value=_sign, tone=_state_tone, order=lambda row: row.state),
        Column("name", "USER", 12, most=40, tone=lambda row: "strong" if row.state == "active" else "muted"),
        Column("full_name", "NAME", 6, most=24, tone=_calm),
        Column(
            "role",
            "ROLE",
            8,
            tone=lambda row: "warn" if row.role == roles.ADMIN and row.state == "active" else _calm(row),
            order=lambda row: _RANK.get(row.role, len(_RANK)),
        ),
        Column("state", "STATE", 8, tone=_state_tone),
        Column("keys", "KEYS", 4, right=True, tone=_calm),
        Column("signed_in", "LOGIN", 5, right=True, age=True, field="last_sign_in", tone="muted", listed="SIGNED IN"),
        Column("created", "AGE", 4, right=True, age=True, tone="muted"),
        Column("projects", "PROJECTS", 12, weight=3, field="access", tone=_calm),
    ),
    listing=("name", "full_name", "role", "projects", "state", "keys", "signed_in", "created"),
    fields=(
        FilterField("uid", "text", "uid of the user", aliases=("id",), searched=True),
        FilterField("email", "text", "email address", source="name", aliases=("user",), searched=True),
        FilterField("name", "text", "first and last name", source="full_name", searched=True),
        FilterField("role", "word", "role of the tenant: admin, operator, viewer or none", searched=True),
        FilterField("project", "text", "projects with a role, and the role", source="access", searched=True),
        FilterField("state", "word", "active, invited or inactive", searched=True),
        FilterField("keys", "number", "API keys"),
        FilterField("signed-in", "age", "time since the last login", source="last_sign_in"),
        FilterField("age", "age", "time since the user was created", source="created"),
    ),
    example="role:admin  state:active  project:shop  keys>0  signed-in<7d  free text",
    facts=_facts,
    headline=lambda row: f"{row.name} is {row.state}",
    nothing="No user yet.",
    add="There is no user.",
    unique=("name",),
    called="full_name",
    apart="Use the email address",
    order=lambda row: row.name.lower(),
    sort="name",
    conceal=_conceal,
)
USERS = Collection(
    "users",
    UserRow,
    user_row,
    noun="user",
    change_kind="user",
    cached=False,
    reading=Reading(_read, "users", "CanListUsers", hub_only=True, quiet=NOT_FOR_ALL),
    table=TABLE,
)
