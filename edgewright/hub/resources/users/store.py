"""Users in the database, and in memory after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import func, select

from edgewright.hub.db import schema
from edgewright.hub.db.records import UserProjectRoles, UserRecord
from edgewright.hub.db.shared.rows import locked, queue, retain_project
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, conflict, not_found
from edgewright.hub.resources.users.rules import MOST, Roles
from edgewright.hub.security.admins import require_admin

_USERS, _ROLES, _KEYS = schema.users, schema.project_roles, schema.api_keys


def get_or_404(tx: Tx, uid: str) -> UserRecord:
    """Return a user, locked until the end of the transaction; raises 404."""
    row = tx.first(locked(select(_USERS).where(_USERS.c.uid == uid)))
    if row is None:
        raise not_found("user", uid)
    return UserRecord(**row._mapping)


def insert(tx: Tx, record: UserRecord) -> None:
    """Store a new user; raises 409 for an email address in use, or too many users."""
    _refuse_duplicate(tx, record.email)
    queue(tx, "users")
    if int(tx.first(select(func.count()).select_from(_USERS))[0]) >= MOST:
        raise Problem(409, "TooManyUsers", f"A plane has at most {MOST} users; delete one first.")
    tx.run(_USERS.insert().values(**msgspec.structs.asdict(record)))
    tx.changed(record)


def update(tx: Tx, record: UserRecord, **changes: Any) -> UserRecord:
    """Change a user; raises 409 for an email address in use, 400 when no one could administer the plane then."""
    if changes.get("email", record.email) != record.email:
        _refuse_duplicate(tx, changes["email"], record.uid)
    newer = msgspec.structs.replace(record, modified=tx.now, **changes)
    tx.run(_USERS.update().where(_USERS.c.uid == record.uid).values(modified=tx.now, **changes))
    if record.active and record.role and (not newer.active or newer.role != record.role):
        require_admin(tx, "user")
    tx.changed(newer)
    return newer


def set_project_roles(tx: Tx, record: UserRecord, roles: Mapping[str, Roles]) -> None:
    """Replace the roles of a user in projects."""
    tx.run(_ROLES.delete().where(_ROLES.c.user_uid == record.uid))
    for project, mine in sorted(roles.items()):
        retain_project(tx, project)
        tx.run(_ROLES.insert().values(user_uid=record.uid, project_uid=project, roles=" ".join(mine)))
    update(tx, record)
    tx.changed(UserProjectRoles(record.uid, dict(roles)))


def delete(tx: Tx, record: UserRecord) -> int:
    """Delete a user with roles and API keys; returns how many keys ended. Raises 400 for the last admin."""
    keys = tx.run(_KEYS.delete().where(_KEYS.c.user_uid == record.uid))
    tx.run(_ROLES.delete().where(_ROLES.c.user_uid == record.uid))
    tx.run(_USERS.delete().where(_USERS.c.uid == record.uid))
    require_admin(tx, "user")
    tx.removed(record)
    return keys


def _refuse_duplicate(tx: Tx, email: str, own_uid: str = "") -> None:
    same = select(_USERS.c.uid).where(func.lower(_USERS.c.email) == email.lower(), _USERS.c.uid != own_uid)
    if tx.first(same) is not None:
        raise conflict(f"A user with the email address '{email}' exists already.", "DuplicateName")
