"""Deleting many rows in small batches with a pause between, so that the hub does not stop for it."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, select

from edgewright.hub.db import schema
from edgewright.hub.db.transaction import Tx
from edgewright.hub.services import Services

DAY = 86_400.0
BATCH = 500
"""Rows deleted in one transaction."""
PAUSE = 0.02
"""Seconds between two batches."""


async def delete_rows(
    hub: Services, table: Table, key: ColumnElement[Any], old: ColumnElement[bool], *, with_logs: bool = False
) -> int:
    """Delete the rows that `old` selects, `with_logs` the logs of these operations too; returns how many."""
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
