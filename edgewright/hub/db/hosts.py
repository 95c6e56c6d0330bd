"""Reading and writing host records inside a transaction; memory and readers follow after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from edgewright.hub.db import document_bounds, schema
from edgewright.hub.db.records import HostRecord, RevokedCredentials, new_beat_row
from edgewright.hub.db.shared.rows import locked, retain_project
from edgewright.hub.http.problems import not_found

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx


class LoadedHost(NamedTuple):
    """A host as its tables have it, with its row of `heartbeats`."""

    record: HostRecord
    beat: Any


def load_hosts(connection: Connection, uids: Sequence[str]) -> dict[str, LoadedHost]:
    """Return the hosts that exist of those."""
    hosts, heartbeats = schema.hosts, schema.heartbeats
    beats = {row.uid: row for row in connection.execute(select(heartbeats).where(heartbeats.c.uid.in_(uids)))}
    rows = connection.execute(select(hosts).where(hosts.c.uid.in_(uids)))
    return {row.uid: LoadedHost(HostRecord(**row._mapping), beats.get(row.uid)) for row in rows}


def load_revoked(connection: Connection, uids: Sequence[str]) -> dict[str, RevokedCredentials]:
    """Return the credentials that were those of deleted hosts."""
    table = schema.revoked_credentials
    hashes: dict[str, list[str]] = {}
    for row in connection.execute(select(table).where(table.c.host_uid.in_(uids))):
        hashes.setdefault(row.host_uid, []).append(row.hash)
    return {uid: RevokedCredentials(uid, tuple(mine)) for uid, mine in hashes.items()}


def find_host(tx: Tx, uid: str) -> HostRecord | None:
    """Return a host's record as the database has it, locked until the end of the transaction."""
    row = tx.first(locked(select(schema.hosts).where(schema.hosts.c.uid == uid)))
    return HostRecord(**row._mapping) if row is not None else None


def get_host_or_404(tx: Tx, uid: str) -> HostRecord:
    """Return a host's record, locked until the end of the transaction; raises 404."""
    record = find_host(tx, uid)
    if record is None:
        raise not_found("edge host", uid)
    return record


def insert_host(tx: Tx, record: HostRecord) -> None:
    """Add a host; raises 413 for a document over its limits (rule P45)."""
    document_bounds.check_host(record.uid, record.doc, "")
    retain_project(tx, record.project_uid)
    tx.run(schema.hosts.insert().values(**msgspec.structs.asdict(record)))
    tx.run(new_beat_row(record.uid))
    tx.changed(record)


def save_host(tx: Tx, record: HostRecord, **changes: Any) -> HostRecord:
    """Write changed columns of a host; `modified` moves with them unless given.

    Raises 413 for a document over its limits, with nothing written (rule P45).
    """
    if "doc" in changes:
        document_bounds.check_host(record.uid, changes["doc"], record.doc)
    changes.setdefault("modified", tx.now)
    newer = msgspec.structs.replace(record, **changes)
    tx.run(schema.hosts.update().where(schema.hosts.c.uid == record.uid).values(**changes))
    tx.changed(newer)
    return newer


def raise_generation(tx: Tx, uid: str, *fields: str, **changes: Any) -> HostRecord:
    """Raise a host's generation by one (rule P7), noting the fields that changed (rule P28)."""
    record = get_host_or_404(tx, uid)
    hosts = schema.hosts
    raised = hosts.update().where(hosts.c.uid == uid).values(generation=hosts.c.generation + 1)
    generation = int(tx.first(raised.returning(hosts.c.generation)).generation)
    newer = save_host(tx, msgspec.structs.replace(record, generation=generation), **changes)
    for field in fields:
        table = schema.host_fields
        at_field = (table.c.host_uid == uid, table.c.field == field)
        if not tx.run(table.update().where(*at_field).values(generation=newer.generation)):
            tx.run(table.insert().values(host_uid=uid, field=field, generation=newer.generation))
    return newer


def delete_host(tx: Tx, record: HostRecord) -> None:
    """Remove a host and what hangs on it; its credentials stay known as gone (rule P16)."""
    hashes = tuple(stored for stored in (record.credential_hash, record.pending_hash) if stored)
    for stored in hashes:
        tx.run(schema.revoked_credentials.insert().values(hash=stored, host_uid=record.uid, at=tx.now))
    for table in (schema.operations, schema.intents, schema.logs, schema.host_fields):
        tx.run(table.delete().where(table.c.host_uid == record.uid))
    for table in (schema.hosts, schema.heartbeats):
        tx.run(table.delete().where(table.c.uid == record.uid))
    if hashes:
        tx.changed(RevokedCredentials(record.uid, hashes))
    tx.removed(record)
