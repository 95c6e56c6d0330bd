"""How memory follows users and their roles, and what readers of the change stream get of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from edgewright.hub.db import schema
from edgewright.hub.db.records import UserProjectRoles, UserRecord
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.resources.users.render import summary


def follows(state: State) -> tuple[Follow, ...]:
    """Return how the records are followed."""

    def drop_roles(uid: str) -> None:
        state.put_project_roles(UserProjectRoles(uid, {}))

    return (
        Follow(UserRecord, "user", state.put_user, state.drop_user, rows(schema.users, UserRecord)),
        Follow(
            UserProjectRoles, "user-roles", state.put_project_roles, drop_roles, _load_roles,
            kind="user", uid=lambda record: str(record.user_uid),
        ),
    )  # fmt: skip


def _load_roles(connection: Connection, uids: Sequence[str]) -> dict[str, UserProjectRoles]:
    """Return the roles of users in projects; a user without any has an empty record."""
    table = schema.project_roles
    roles_of: dict[str, dict[str, tuple[str, ...]]] = {uid: {} for uid in uids}
    for row in connection.execute(select(table).where(table.c.user_uid.in_(uids))):
        roles_of[row.user_uid][row.project_uid] = tuple(row.roles.split())
    return {uid: UserProjectRoles(uid, roles) for uid, roles in roles_of.items()}


def document(state: State, uid: str) -> dict[str, Any] | None:
    """Return the present document of a user, without the activation link; `None` for one that no longer exists."""
    record = state.users.get(uid)
    return None if record is None else summary(record, state)
