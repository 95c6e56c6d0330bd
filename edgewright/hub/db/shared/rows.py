"""Row safety: what a transaction does so that two hubs on one PostgreSQL never overwrite each other.

SQLite has one writer at a time: there a lock is the plain statement, and a queue is nothing. The order in which a job
locks is: host, then what belongs to the host; project before what names it. Two jobs that lock in another order end in
a deadlock, and the writer runs them again one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Select, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from edgewright.hub.db import schema
from edgewright.hub.http.problems import not_found

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx

S = TypeVar("S", bound=Select[Any])
_CLASS = 0x65647277
"""The first number of the hub's advisory locks for queues, "edrw"; the second is a hash of the queue's name."""


def locked(statement: S) -> S:
    """Return a selection that also locks its rows until the end of the transaction."""
    return statement.with_for_update()


def lock_host(tx: Tx, uid: str) -> None:
    """Lock a host, and with it everything that belongs to it; one that does not exist is not an error."""
    tx.first(locked(select(schema.hosts.c.uid).where(schema.hosts.c.uid == uid)))


def lock_hosts(tx: Tx, uids: Iterable[str]) -> None:
    """Lock several hosts, always in the same order."""
    for uid in sorted(set(uids)):
        lock_host(tx, uid)


def retain_project(tx: Tx, uid: str) -> None:
    """Lock a project against its deletion by another hub while something of it is stored.

    Raises 404 when it no longer exists. An empty uid means the tenant.
    """
    if uid:
        _retain(tx, schema.projects, uid, "project")


def retain_user(tx: Tx, uid: str) -> None:
    """Lock a user against deletion by another hub while a key of that user is stored; raises 404 when gone."""
    _retain(tx, schema.users, uid, "user")


def _retain(tx: Tx, table: Table, uid: str, kind: str) -> None:
    if tx.first(select(table.c.uid).where(table.c.uid == uid).with_for_update(read=True)) is None:
        raise not_found(kind, uid)


def queue(tx: Tx, name: str) -> None:
    """Wait until no other transaction decides about `name`: what depends on many rows at once, such as a count.

    Lasts until the end of the transaction.
    """
    if tx.connection.dialect.name == "postgresql":
        tx.connection.execute(select(func.pg_advisory_xact_lock(_CLASS, func.hashtext(name))))


def insert_new(tx: Tx, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same unique value exists; returns whether it was inserted."""
    insert = postgresql.insert if tx.connection.dialect.name == "postgresql" else sqlite.insert
    inserted = insert(table).values(**values).on_conflict_do_nothing()
    return tx.first(inserted.returning(*table.primary_key.columns)) is not None
