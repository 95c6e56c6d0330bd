"""Tag filters in the database, and in memory after the commit."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, select

from edgewright.hub.db import schema
from edgewright.hub.db.records import FilterRecord
from edgewright.hub.db.shared.rows import locked, queue
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem, conflict, not_found

MOST = 500
"""Filters of a plane."""
_TABLE = schema.tag_filters


def get_or_404(tx: Tx, uid: str) -> FilterRecord:
    """Return a filter, locked until the end of the transaction; raises 404."""
    row = tx.first(locked(select(_TABLE).where(_TABLE.c.uid == uid)))
    if row is None:
        raise not_found("filter", uid)
    return FilterRecord(**row._mapping)


def insert(tx: Tx, record: FilterRecord) -> None:
    """Store a new filter; raises 409 for a name that exists, or too many filters."""
    _refuse_duplicate(tx, record)
    queue(tx, "filters")
    if int(tx.first(select(func.count()).select_from(_TABLE))[0]) >= MOST:
        raise Problem(409, "TooManyFilters", f"A plane has at most {MOST} filters; delete one first.")
    tx.run(_TABLE.insert().values(**msgspec.structs.asdict(record)))
    tx.changed(record)


def update(tx: Tx, record: FilterRecord, **changes: Any) -> FilterRecord:
    """Change a filter; raises 409 for a name that exists."""
    newer = msgspec.structs.replace(record, modified=tx.now, **changes)
    _refuse_duplicate(tx, newer)
    tx.run(_TABLE.update().where(_TABLE.c.uid == record.uid).values(modified=tx.now, **changes))
    tx.changed(newer)
    return newer


def delete(tx: Tx, record: FilterRecord) -> None:
    """Delete a filter."""
    tx.run(_TABLE.delete().where(_TABLE.c.uid == record.uid))
    tx.removed(record)


def _refuse_duplicate(tx: Tx, record: FilterRecord) -> None:
    same = select(_TABLE.c.uid).where(_TABLE.c.name == record.name, _TABLE.c.uid != record.uid)
    if tx.first(same) is not None:
        raise conflict(f"A filter named '{record.name}' exists already.", "DuplicateName")
