"""Operations past their deadline (rules P7, P25)."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import and_, select

from edgewright.core import times
from edgewright.hub.controllers.membership import SWEEPS
from edgewright.hub.db import schema
from edgewright.hub.db.engines import storage_problem
from edgewright.hub.db.hosts import raise_generation
from edgewright.hub.db.pruning import DAY, delete_rows
from edgewright.hub.db.shared.lease import LeaseLost
from edgewright.hub.db.shared.rows import lock_hosts
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import StorageProblem
from edgewright.hub.resources.operations.routes import publish
from edgewright.hub.services import Services
from edgewright.wire import protocol

log = logging.getLogger("edgewright.hub")


async def expire(hub: Services) -> None:
    """Look at overdue operations every few seconds until cancelled."""
    while True:
        await asyncio.sleep(hub.options.sweep)
        try:
            if hub.membership.has(SWEEPS):
                await expire_operations(hub)
        except LeaseLost:
            continue  # another hub looks at them
        except Exception as error:
            problem = error if isinstance(error, StorageProblem) else storage_problem(error)
            if isinstance(problem, StorageProblem):
                hub.storage.failed(problem)
            else:
                log.exception("the look at overdue operations failed and is tried again")


async def expire_operations(hub: Services) -> None:
    """Mark operations past their deadline; their host's generation rises (rules P7, P25)."""
    table = schema.operations
    overdue = select(table.c.id, table.c.host_uid).where(
        table.c.state == protocol.OP_PENDING, table.c.deadline <= times.now()
    )
    rows = await hub.read(lambda connection: connection.execute(overdue).all())
    if not rows:
        return

    def job(tx: Tx) -> None:
        hub.membership.fence(tx, SWEEPS)
        lock_hosts(tx, (row.host_uid for row in rows))  # a result that a host sends locks its host first, too
        for row in rows:
            changed = tx.run(
                table.update()
                # The deadline again: it may have been moved meanwhile, with the clock or by an absence of the hub.
                .where(table.c.id == row.id, table.c.state == protocol.OP_PENDING, table.c.deadline <= times.now())
                .values(state=protocol.OP_EXPIRED)
            )
            if changed:
                publish(tx, row.id, raise_generation(tx, row.host_uid).project_uid)

    await hub.write(job)


async def prune(hub: Services, now: float) -> dict[str, int]:
    """Delete operations that ended too long before `now`, with their logs."""
    table = schema.operations
    old = and_(table.c.state != protocol.OP_PENDING, table.c.created < now - hub.options.operation_days * DAY)
    return {"operations": await delete_rows(hub, table, table.c.id, old, with_logs=True)}
