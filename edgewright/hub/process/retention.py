"""How long the hub stores what only grows: events, audits, finished operations with their logs, intents.

Old rows go in small batches with a pause between, so that a hub that was set to store less, or starts after a long
time, does not stop for it. The change stream needs none of this: it is a bounded ring in memory.

Age is a statement of the clock, and what is deleted does not come back. So nothing is deleted for its age while the
clock is in doubt, and audit entries only when two checks a day apart found them too old (rule P41).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, select

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.resources.hosts.share import EventKey, fair_share, first_excess_event
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.process.app import Hub

DAY = 86_400.0
BATCH = 500
"""Rows deleted in one transaction."""
CONFIRM = DAY
"""Seconds between the check that finds audit entries too old and the one that deletes them."""
PAUSE = 0.02
"""Seconds between two batches."""


async def prune(hub: Hub) -> dict[str, int]:
    """Delete what is older or more than the hub is set to store; returns how many rows of each table went.

    By number events always go, since that asks no clock; by age nothing goes while the clock is in doubt.
    """
    keep = hub.options
    events, operations, intents = schema.events, schema.operations, schema.intents
    gone = {"events": 0, "audits": 0, "operations": 0, "intents": 0}
    gone["events"] += await prune_shares(hub)
    hub.look_at_clock()
    if not hub.clock.may_delete:
        return gone
    now = times.now()  # only now: the one from before may be that of a clock which was put right meanwhile
    gone["events"] += await _prune(hub, events, events.c.id, events.c.at < now - keep.keep_events * DAY)
    gone["audits"] = await _prune_audits(hub, now)
    ended = and_(operations.c.state != protocol.OP_PENDING, operations.c.created < now - keep.keep_operations * DAY)
    gone["operations"] = await _prune(hub, operations, operations.c.id, ended, with_logs=True)
    old = intents.c.received < now - keep.keep_intents * DAY
    gone["intents"] = await _prune(hub, intents, intents.c.id, old)
    return gone


async def _prune_audits(hub: Hub, now: float) -> int:
    """Delete the audit entries that were too old at an earlier check, a day ago or more, and note this check."""
    seen, audits = hub.clock.seen, schema.audits
    earlier, before = seen.audits_at, seen.audits_before
    if earlier is not None and before is not None and earlier <= now < earlier + CONFIRM:
        return 0
    seen.audits_at, seen.audits_before = now, now - hub.options.keep_audits * DAY
    if earlier is None or before is None or now < earlier:
        return 0
    return await _prune(hub, audits, audits.c.id, audits.c.at < min(before, seen.audits_before))


def newest_row(connection: Connection) -> float | None:
    """Return the time of the newest row that carries the hub's clock; `None` for an empty database."""
    columns = (schema.events.c.at, schema.audits.c.at, schema.heartbeats.c.at)
    newest = [connection.execute(select(func.max(column))).scalar() for column in columns]
    return max((float(moment) for moment in newest if moment is not None), default=None)


async def prune_shares(hub: Hub) -> int:
    """Delete events beyond the share of the thing that they are about, the oldest first; returns how many went.

    The share is `max_host_events`, or less when all together are more than `max_events`: then the things with the most
    events lose theirs first, and one that has few loses none.
    """
    table = schema.events
    grouped = select(table.c.kind, table.c.object_uid, func.count()).group_by(table.c.kind, table.c.object_uid)
    rows = await hub.read(lambda connection: connection.execute(grouped).all())
    counts = {(kind, uid): int(count) for kind, uid, count in rows}
    share = min(fair_share(list(counts.values()), hub.options.max_events), hub.options.max_host_events)
    return sum([await _prune_events(hub, key, share) for key, count in counts.items() if count > share])


async def _prune_events(hub: Hub, key: EventKey, share: int) -> int:
    table = schema.events
    statement = first_excess_event(key, share)
    last = await hub.read(lambda connection: connection.execute(statement).scalar())
    if last is None:
        return 0
    excess = and_(table.c.kind == key[0], table.c.object_uid == key[1], table.c.id <= last)
    return await _prune(hub, table, table.c.id, excess)


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
