"""The change log is short: an hour, and at most so many changes. What is older goes in pieces (rule P62).

A reader that comes back after that reads the lists again. The numbers have no gaps, so the count needs no query.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from edgewright.core import times
from edgewright.hub.controllers.runtime import Controller, Work
from edgewright.hub.db.changelog import tables
from edgewright.hub.db.pruning import BATCH, PAUSE

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

EVERY = 60.0
"""Seconds between two looks."""


async def prune_change_log(hub: Services) -> int:
    """Delete what is too old or one too many, a piece in each transaction; returns how many changes went.

    While the clock is in doubt nothing goes for its age.
    """
    table, deleted = tables.changes, 0
    while True:
        too_many = hub.memory.seq - hub.options.max_changes
        too_old = times.now() - 60.0 * hub.options.change_minutes if hub.clock.may_delete else float("-inf")

        def oldest(connection: Connection, too_many: int = too_many, too_old: float = too_old) -> list[int]:
            piece = select(table.c.seq, table.c.at).order_by(table.c.seq).limit(BATCH)
            return [seq for seq, at in connection.execute(piece) if seq <= too_many or at < too_old]

        numbers = await hub.read(oldest)
        if not numbers:
            return deleted

        def job(tx: Tx, last: int = numbers[-1]) -> int:
            return tx.run(table.delete().where(table.c.seq <= last))

        deleted += await hub.write(job)
        if len(numbers) < BATCH:
            return deleted
        await asyncio.sleep(PAUSE)


async def _prune(work: Work) -> None:
    await prune_change_log(work.services)


CONTROLLER = Controller("change-log", _prune, lambda hub: EVERY)
"""Deletes what is too old, or one too many, once a minute on one hub."""
