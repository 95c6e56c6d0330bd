"""SSH keys in the database, and in memory after the commit."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, select

from edgewright.hub.db import schema
from edgewright.hub.db.records import SshKeyRecord
from edgewright.hub.db.shared.rows import locked, queue, retain_project
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, conflict, not_found

MOST = 500
"""Keys of one project, or of the tenant."""
_TABLE = schema.ssh_keys


def get_or_404(tx: Tx, uid: str) -> SshKeyRecord:
    """Return a key, locked until the end of the transaction; raises 404."""
    row = tx.first(locked(select(_TABLE).where(_TABLE.c.uid == uid)))
    if row is None:
        raise not_found("SSH key", uid)
    return SshKeyRecord(**row._mapping)


def insert(tx: Tx, record: SshKeyRecord) -> None:
    """Store a new key; raises 409 for a name or a key that exists in the project, or too many keys."""
    _refuse_duplicate(tx, record)
    queue(tx, f"ssh keys {record.project_uid}")
    counting = select(func.count()).select_from(_TABLE).where(_TABLE.c.project_uid == record.project_uid)
    if int(tx.first(counting)[0]) >= MOST:
        raise Problem(409, "TooManySshKeys", f"A project has at most {MOST} SSH keys; delete one first.")
    retain_project(tx, record.project_uid)
    tx.run(_TABLE.insert().values(**msgspec.structs.asdict(record)))
    tx.changed(record)


def update(tx: Tx, record: SshKeyRecord, **changes: Any) -> SshKeyRecord:
    """Change a key; raises 409 as `insert`."""
    newer = msgspec.structs.replace(record, modified=tx.now, **changes)
    _refuse_duplicate(tx, newer)
    tx.run(_TABLE.update().where(_TABLE.c.uid == record.uid).values(modified=tx.now, **changes))
    tx.changed(newer)
    return newer


def delete(tx: Tx, record: SshKeyRecord) -> None:
    """Delete a key."""
    tx.run(_TABLE.delete().where(_TABLE.c.uid == record.uid))
    tx.removed(record)


def _refuse_duplicate(tx: Tx, record: SshKeyRecord) -> None:
    others = (_TABLE.c.project_uid == record.project_uid, _TABLE.c.uid != record.uid)
    if tx.first(select(_TABLE.c.uid).where(_TABLE.c.name == record.name, *others)) is not None:
        raise conflict(f"An SSH key named '{record.name}' exists already.", "DuplicateName")
    same = tx.first(select(_TABLE.c.name).where(_TABLE.c.fingerprint == record.fingerprint, *others))
    if same is not None:
        raise conflict(f"This SSH key exists already under the name '{same.name}'.", "DuplicateSshKey")
