"""How memory follows SSH keys, and what readers of the change stream get of one."""

from __future__ import annotations

from typing import Any

from edgewright.hub.db import schema
from edgewright.hub.db.records import SshKeyRecord
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.resources.ssh_keys.render import ssh_key


def follows(state: State) -> tuple[Follow, ...]:
    """Return how the records are followed."""

    def drop(uid: str) -> None:
        state.ssh_keys.pop(uid, None)

    return (
        Follow(
            SshKeyRecord, "sshkey", state.put_ssh_key, drop, rows(schema.ssh_keys, SshKeyRecord),
            project=lambda record: str(record.project_uid),
        ),
    )  # fmt: skip


def document(state: State, uid: str) -> dict[str, Any] | None:
    """Return the present document of a key; `None` for one that no longer exists."""
    record = state.ssh_keys.get(uid)
    return None if record is None else ssh_key(record)
