"""How long the hub keeps what only grows: events, audits, finished operations with their logs, intents.

Old rows go in small batches with a pause between, so that a hub that was set to keep less, or starts after a long time,
does not stop for it. The change stream needs none of this: it is a bounded ring in memory.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, and_, select

from edgewright.core import times
from edgewright.hub import schema
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.app import Hub
    from edgewright.hub.writer import Tx

DAY = 86_400.0
BATCH = 500
"""Rows deleted in one transaction."""
PAUSE = 0.02
"""Seconds between two batches."""


async def prune(hub: Hub) -> dict[str, int]:
    """Delete what is older than the hub is set to keep it; returns how many rows of each table went."""
    keep, now = hub.options, times.now()
    events, audits, operations, intents = schema.events, schema.audits, schema.operations, schema.intents
    gone = {
        "events": await _prune(hub, events, events.c.id, events.c.at < now - keep.keep_events * DAY),
        "audits": await _prune(hub, audits, audits.c.id, audits.c.at < now - keep.keep_audits * DAY),
    }
    last = await _beyond(hub, keep.max_events)
    if last is not None:
        gone["events"] += await _prune(hub, events, events.c.id, events.c.id <= last)
    ended = and_(operations.c.state != protocol.OP_PENDING, operations.c.created < now - keep.keep_operations * DAY)
    gone["operations"] = await _prune(hub, operations, operations.c.id, ended, with_logs=True)
    old = intents.c.received < now - keep.keep_intents * DAY
    gone["intents"] = await _prune(hub, intents, intents.c.id, old)
    return gone


async def _beyond(hub: Hub, most: int) -> int | None:
    """Return the number of the newest event that is one too many."""
    table = schema.events
    statement = select(table.c.id).order_by(table.c.id.desc()).offset(most).limit(1)
    found: int | None = await hub.read(lambda connection: connection.execute(statement).scalar())
    return found


async def _prune(
    hub: Hub, table: Table, key: ColumnElement[Any], old: ColumnElement[bool], *, with_logs: bool = False
) -> int:
    deleted = 0
    while True:
        statement = select(key).where(old).limit(BATCH)
        ids = await hub.read(lambda connection, query=statement: list(connection.execute(query).scalars()))  # type: ignore[misc]
        if not ids:
            return deleted

        def job(tx: Tx, ids: list[Any] = ids) -> int:
            if with_logs:
                tx.run(schema.logs.delete().where(schema.logs.c.operation_id.in_(ids)))
            return tx.run(table.delete().where(and_(key.in_(ids), old)))

        deleted += await hub.write(job)
        await asyncio.sleep(PAUSE)
