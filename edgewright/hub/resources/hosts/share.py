"""What one host may occupy of what is retained: events, intents, ended operations and their logs (rule P47).

A host's share is enforced in the transaction that adds to it, so that between two hourly prunings nothing grows without
end. When all events together are too many, those of the host with the most events go first: what one host sends never
displaces the history of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from edgewright.hub.db import schema
from edgewright.hub.db.events import host_event, store_event
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

MAX_INTENTS = 500
"""Intents of one host that are retained, the newest."""
MAX_INTENT_BYTES = 2 * 1024 * 1024
"""Bytes of their values."""
MAX_PENDING = 50
"""Operations of one host that may wait for their result."""
MAX_ENDED = 200
"""Operations of one host that have ended and are retained, the newest."""
MAX_LOG_BYTES = 4 * 1024 * 1024
"""Bytes of the log of one operation; 500 lines of 4,096 characters fit."""
MAX_HOST_LOG_BYTES = 16 * 1024 * 1024
"""Bytes of the logs of one host; those of its oldest operations go first."""
_AT_ONCE = 500

EventKey = tuple[str, str]
"""Kind and uid of the thing that an event is about."""


def fair_share(counts: Sequence[int], most: int) -> int:
    """Return the largest number of rows for each owner with which all together have at most `most`.

    An owner with fewer rows is not touched, and what it leaves over is shared by the others.
    """
    left, owners = most, len(counts)
    for index, count in enumerate(sorted(counts)):
        share = left // (owners - index)
        if count > share:
            return share
        left -= count
    return max(counts, default=0)


def first_excess_event(key: EventKey, retained: int) -> Any:
    """Return the selection of the id of one thing's newest event that is one too many.

    Events count in the order of their arrival, which asks no clock: neither the hub's nor that of the host.
    """
    table = schema.events
    mine = (table.c.kind == key[0], table.c.object_uid == key[1])
    return select(table.c.id).where(*mine).order_by(table.c.id.desc()).offset(retained).limit(1)


def trim_events(tx: Tx, keys: Iterable[EventKey], most: int) -> None:
    """Delete the oldest events of things that have more than `most`."""
    table = schema.events
    for key in set(keys):
        row = tx.first(first_excess_event(key, most))
        if row is not None:
            tx.run(table.delete().where(table.c.kind == key[0], table.c.object_uid == key[1], table.c.id <= row.id))


def trim_intents(hub: Services, tx: Tx, host_uid: str, newest: str, project_uid: str) -> None:
    """Delete the oldest intents of a host beyond its share, never the one just stored; report it as an event."""
    table = schema.intents
    sizes = func.length(table.c.value) + func.length(table.c.base_value)
    rows = tx.all(
        select(table.c.id, sizes.label("size"))
        .where(table.c.host_uid == host_uid)
        .order_by(table.c.received.desc(), table.c.id.desc())
    )
    excess, total = [], 0
    for number, row in enumerate(sorted(rows, key=lambda row: bool(row.id != newest)), 1):
        total += row.size
        if number > MAX_INTENTS or (total > MAX_INTENT_BYTES and number > 1):
            excess.append(row.id)
    if excess:
        tx.run(table.delete().where(table.c.host_uid == host_uid, table.c.id.in_(excess)))
        message = (
            f"{len(excess)} of the oldest intents of {host_uid} were deleted: at most {MAX_INTENTS} of a host with "
            f"{MAX_INTENT_BYTES} bytes are stored."
        )
        store_event(hub.state, tx, host_event(host_uid, host_uid, "Warning", "IntentsDropped", message), project_uid)


def trim_operations(tx: Tx, host_uid: str) -> None:
    """Delete the oldest ended operations of a host beyond its share, with their logs."""
    table, logs = schema.operations, schema.logs
    statement = (
        select(table.c.id)
        .where(table.c.host_uid == host_uid, table.c.state != protocol.OP_PENDING)
        .order_by(table.c.created.desc(), table.c.id.desc())
        .offset(MAX_ENDED)
        .limit(_AT_ONCE)
    )
    ids = [row.id for row in tx.all(statement)]
    if ids:
        tx.run(logs.delete().where(logs.c.host_uid == host_uid, logs.c.operation_id.in_(ids)))
        tx.run(table.delete().where(table.c.id.in_(ids)))


def pending(tx: Tx, host_uid: str) -> int:
    """Return how many operations of a host wait for their result."""
    table = schema.operations
    statement = select(func.count()).where(table.c.host_uid == host_uid, table.c.state == protocol.OP_PENDING)
    return int(tx.first(statement)[0])


def log_size(tx: Tx, host_uid: str, operation: str) -> int:
    """Return the size of what is stored of an operation's log."""
    table = schema.logs
    statement = select(func.coalesce(func.sum(func.length(table.c.lines)), 0)).where(
        table.c.host_uid == host_uid, table.c.operation_id == operation
    )
    return int(tx.first(statement)[0])


def trim_logs(tx: Tx, host_uid: str) -> None:
    """Delete the logs of a host's oldest operations beyond its share."""
    table, operations = schema.logs, schema.operations
    mine = select(func.count(table.c.operation_id.distinct())).where(table.c.host_uid == host_uid)
    if int(tx.first(mine)[0]) * MAX_LOG_BYTES <= MAX_HOST_LOG_BYTES:
        return  # however long each is; spares reading them
    rows = tx.all(
        select(table.c.operation_id, func.sum(func.length(table.c.lines)).label("size"))
        .where(table.c.host_uid == host_uid)
        .group_by(table.c.operation_id)
    )
    if sum(row.size for row in rows) <= MAX_HOST_LOG_BYTES:
        return
    created = {row.id: row.created for row in tx.all(
        select(operations.c.id, operations.c.created).where(operations.c.host_uid == host_uid)
    )}  # fmt: skip
    excess, total = [], 0
    for row in sorted(rows, key=lambda row: created.get(row.operation_id, 0.0), reverse=True):
        total += row.size
        if total > MAX_HOST_LOG_BYTES:
            excess.append(row.operation_id)
    tx.run(table.delete().where(table.c.host_uid == host_uid, table.c.operation_id.in_(excess)))
