"""How long the hub stores what only grows: events, audits, finished operations with their logs, intents.

Old rows go in small batches with a pause between, so that a hub that was set to store less, or starts after a long
time, does not stop for it. The change stream needs none of this: it is a bounded ring in memory.

Age is a statement of the clock, and what is deleted does not come back. So nothing is deleted for its age while the
clock is in doubt, and audit entries only when two checks a day apart found them too old (rule P41).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, func, select

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.pruning import delete_rows
from edgewright.hub.resources.hosts.share import EventKey, fair_share, first_excess_event

if TYPE_CHECKING:
    from edgewright.hub.services import Services


async def prune(hub: Services) -> dict[str, int]:
    """Delete what is older or more than the hub is set to store; returns how many rows of each table went.

    By number events always go, since that asks no clock; by age nothing goes while the clock is in doubt.
    """
    removed = {"events": await prune_shares(hub)}
    hub.look_at_clock()
    if not hub.clock.may_delete:
        return removed
    now = times.now()  # only now: the one from before may be that of a clock which was put right meanwhile
    for prune_old in hub.prunes:
        for table, count in (await prune_old(hub, now)).items():
            removed[table] = removed.get(table, 0) + count
    return removed


def newest_row(connection: Connection) -> float | None:
    """Return the time of the newest row that carries the hub's clock; `None` for an empty database."""
    columns = (schema.events.c.at, schema.audits.c.at, schema.heartbeats.c.at)
    newest = [connection.execute(select(func.max(column))).scalar() for column in columns]
    return max((float(moment) for moment in newest if moment is not None), default=None)


async def prune_shares(hub: Services) -> int:
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


async def _prune_events(hub: Services, key: EventKey, share: int) -> int:
    table = schema.events
    statement = first_excess_event(key, share)
    last = await hub.read(lambda connection: connection.execute(statement).scalar())
    if last is None:
        return 0
    excess = and_(table.c.kind == key[0], table.c.object_uid == key[1], table.c.id <= last)
    return await delete_rows(hub, table, table.c.id, excess)
