"""Tag filters, as the hub knows them."""

from __future__ import annotations

from typing import Any

from edgewright.hub.db import schema
from edgewright.hub.readmodel.memory import Follow
from edgewright.hub.resource import Resource
from edgewright.hub.resources.filters import follow, routes
from edgewright.hub.services import Services


def _follows(hub: Services) -> tuple[Follow, ...]:
    return follow.follows(hub.state)


def _document(hub: Services, uid: str) -> dict[str, Any] | None:
    return follow.document(hub.state, uid)


RESOURCE = Resource(
    "filter",
    routes=routes.ROUTES,
    tables=(schema.tag_filters,),
    follows=_follows,
    render={"filter": _document},
    tenant_kinds=frozenset({"filter"}),
)
