"""Users and their roles, as the hub knows them."""

from __future__ import annotations

from typing import Any

from edgewright.hub.db import schema
from edgewright.hub.readmodel.memory import Follow
from edgewright.hub.resource import Resource
from edgewright.hub.resources.users import follow, routes
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _follows(hub: Services) -> tuple[Follow, ...]:
    return follow.follows(hub.state)


def _document(hub: Services, uid: str) -> dict[str, Any] | None:
    return follow.document(hub.state, uid)


RESOURCE = Resource(
    "user",
    routes=routes.ROUTES,
    tables=(
        schema.users,
        schema.project_roles,
    ),
    follows=_follows,
    render={"user": _document},
    tenant_kinds=frozenset({"user"}),
    own_paths=(protocol.ACTIVATIONS,),
    open_paths=frozenset({protocol.ACTIVATIONS}),
)
