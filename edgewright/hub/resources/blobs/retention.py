"""What nothing names is deleted after a grace time: a day since it was sent, or since it was named last."""

from __future__ import annotations

import asyncio
from functools import partial

from sqlalchemy import and_, select

from edgewright.hub.db.pruning import DAY, PAUSE
from edgewright.hub.db.transaction import Tx
from edgewright.hub.readmodel.blob_names import BlobNames
from edgewright.hub.resources.blobs import store, tables
from edgewright.hub.services import Services

GRACE = DAY
"""Seconds; a document that names a blob may be written that long after the blob."""
_AT_ONCE = 500


async def prune(hub: Services, now: float) -> dict[str, int]:
    """Delete blobs that nothing names, one in each transaction; a blob that is named is noted as such."""
    table, names = tables.blobs, hub.part(BlobNames)
    query = select(table.c.project_uid, table.c.digest, table.c.touched)
    rows = await hub.read(lambda connection: connection.execute(query).all())
    named = names.named()
    used = [row for row in rows if (row.project_uid, row.digest) in named and row.touched < now]
    for start in range(0, len(used), _AT_ONCE):
        await hub.write(
            partial(_touch, pairs=[(row.project_uid, row.digest) for row in used[start : start + _AT_ONCE]])
        )
    deleted = 0
    for row in rows:
        if (row.project_uid, row.digest) not in named and row.touched < now - GRACE:
            job = partial(store.remove, project=row.project_uid, digest=row.digest, touched=row.touched)
            deleted += await hub.write(job)
            await asyncio.sleep(PAUSE)
    return {"blobs": deleted}


def _touch(tx: Tx, pairs: list[tuple[str, str]]) -> None:
    table = tables.blobs
    for project, digest in pairs:
        tx.run(
            table.update().where(and_(table.c.project_uid == project, table.c.digest == digest)).values(touched=tx.now)
        )
