"""Operations of hosts, as the hub knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, select

from edgewright.hub.db import schema
from edgewright.hub.readmodel.blob_names import BlobNames
from edgewright.hub.readmodel.state import State
from edgewright.hub.resource import Resource
from edgewright.hub.resources.operations import expiry, routes, trials
from edgewright.hub.resources.operations.trials import Trials
from edgewright.hub.services import Services


def _load(connection: Connection, uids: Sequence[str]) -> Mapping[str, bytes]:
    """Return the present documents of operations as JSON texts."""
    table = schema.operations
    rows = connection.execute(select(table).where(table.c.id.in_(uids)))
    return {row.id: msgspec.json.encode(routes.document(row)) for row in rows}


def _read(connection: Connection, state: State) -> None:
    state.pending_work.load(connection)
    state.loaded[Trials] = list(trials.load(connection))


def _parts(hub: Services) -> tuple[object, ...]:
    return (Trials(hub, hub.state.loaded.pop(Trials, ())),)


def _begin(hub: Services) -> None:
    of_hosts = hub.part(Trials)
    hub.memory.watch("operation", hub.state.pending_work.follow)
    hub.memory.watch("operation", of_hosts.follow)
    hub.memory.watch("host", of_hosts.follow_host)
    hub.part(BlobNames).register(of_hosts.digests, of_hosts.everything)


RESOURCE = Resource(
    "operation",
    load=_read,
    parts=_parts,
    begin=_begin,
    routes=routes.ROUTES,
    tables=(schema.operations, schema.logs),
    documents={"operation": _load},
    prune=expiry.prune,
    sweeps=(expiry.expire,),
)
