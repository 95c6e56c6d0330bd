"""Users of the plane, as the store has them; what they are shown as is from the hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.store.collection import NOT_FOR_ALL, Collection, Documents, Reading
from edgewright.store.collections.document_values import EXTENSION, MAX_ITEMS, flag, part, parts, text, when, whole
from edgewright.store.collections.rows import Row

if TYPE_CHECKING:
    from edgewright.clients.ports import CanListUsers


class UserRow(Row, frozen=True, array_like=True, gc=False):
    """One user. `name` is the email address, `person` the name of the user, `projects` are uids."""

    uid: str
    name: str = ""
    person: str = ""
    role: str = ""
    projects: tuple[str, ...] = ()
    state: str = ""
    keys: int = 0
    last_sign_in: float | None = None
    created: float | None = None


def user_row(doc: Mapping[str, Any], _at: float = 0.0) -> UserRow | None:
    """Return the row of a user (`v1UserSummary`), never with the activation link; `None` when it names no uid."""
    meta, spec, status = part(doc, "metadata"), part(doc, "spec"), part(doc, "status")
    uid = text(meta, "uid")
    if not uid:
        return None
    ours = part(spec, EXTENSION)
    roles = ", ".join(filter(None, (text(role, "name") for role in parts(spec, "roles"))))
    pending = flag(part(status, EXTENSION), "pending")
    return UserRow(
        uid=uid,
        name=text(spec, "emailId") or text(meta, "name"),
        person=" ".join(filter(None, (text(spec, "firstName"), text(spec, "lastName")))),
        role=text(ours, "tenantRole") or roles,
        projects=tuple(filter(None, (text(project, "uid") for project in parts(spec, "projects")[:MAX_ITEMS]))),
        state="active" if flag(status, "isActive") else "invited" if pending else "inactive",
        keys=max(0, whole(ours, "keys") or 0),
        last_sign_in=when(status, "lastSignIn"),
        created=when(meta, "creationTimestamp"),
    )


async def _read(users: CanListUsers, _page: int) -> Documents:
    return await users.all()


USERS = Collection(
    "users",
    UserRow,
    user_row,
    noun="user",
    change_kind="user",
    cached=False,
    reading=Reading(_read, "users", "CanListUsers", hub_only=True, quiet=NOT_FOR_ALL),
)
