"""Operations of hosts, as the hub knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, select

from edgewright.hub.db import schema
from edgewright.hub.resource import Resource
from edgewright.hub.resources.operations import expiry, routes
from edgewright.hub.services import Services


def _load(connection: Connection, uids: Sequence[str]) -> Mapping[str, bytes]:
    """Return the present documents of operations as JSON texts."""
    table = schema.operations
    rows = connection.execute(select(table).where(table.c.id.in_(uids)))
    return {row.id: msgspec.json.encode(routes.document(row)) for row in rows}


def _begin(hub: Services) -> None:
    hub.memory.watch("operation", hub.state.pending_work.follow)


RESOURCE = Resource(
    "operation",
    load=lambda connection, state: state.pending_work.load(connection),
    begin=_begin,
    routes=routes.ROUTES,
    tables=(schema.operations, schema.logs),
    documents={"operation": _load},
    prune=expiry.prune,
    sweeps=(expiry.expire,),
)
