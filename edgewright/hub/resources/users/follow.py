"""How memory follows users and their roles, and what readers of the change stream get of one."""

from __future__ import annotations

from typing import Any

from edgewright.hub.db.records import UserProjectRoles, UserRecord
from edgewright.hub.readmodel.memory import Follow
from edgewright.hub.readmodel.state import State
from edgewright.hub.resources.users.render import summary


def follows(state: State) -> tuple[Follow, ...]:
    """Return how the records are followed."""
    roles = state.put_project_roles
    return (
        Follow(UserRecord, state.put_user, lambda record: state.drop_user(record.uid), "user"),
        Follow(UserProjectRoles, roles, roles, "user", uid=lambda record: str(record.user_uid)),
    )


def document(state: State, uid: str) -> dict[str, Any] | None:
    """Return the present document of a user, without the activation link; `None` for one that no longer exists."""
    record = state.users.get(uid)
    return None if record is None else summary(record, state)
