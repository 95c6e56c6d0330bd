"""Events and audit entries, as the hub knows them."""

from __future__ import annotations

from edgewright.hub.db import schema
from edgewright.hub.readmodel.memory import texts
from edgewright.hub.resource import Resource
from edgewright.hub.resources.feed import audits, events, retention

RESOURCE = Resource(
    "event",
    routes=(*events.ROUTES, *audits.ROUTES),
    tables=(schema.events, schema.audits),
    documents={"event": texts(schema.events), "audit": texts(schema.audits)},
    prune=retention.prune,
    tenant_kinds=frozenset({"audit"}),
)
