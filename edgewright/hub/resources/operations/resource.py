"""Operations of hosts, as the hub knows them."""

from __future__ import annotations

from edgewright.hub.db import schema
from edgewright.hub.resource import Resource
from edgewright.hub.resources.operations import expiry, routes

RESOURCE = Resource(
    "operation",
    routes=routes.ROUTES,
    tables=(schema.operations, schema.logs),
    prune=expiry.prune,
    sweeps=(expiry.expire,),
)
