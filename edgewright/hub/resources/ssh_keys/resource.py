"""SSH keys, as the hub knows them."""

from __future__ import annotations

from typing import Any

from edgewright.hub.db import schema
from edgewright.hub.readmodel.memory import Follow
from edgewright.hub.resource import Resource
from edgewright.hub.resources.ssh_keys import follow, routes
from edgewright.hub.services import Services


def _follows(hub: Services) -> tuple[Follow, ...]:
    return follow.follows(hub.state)


def _document(hub: Services, uid: str) -> dict[str, Any] | None:
    return follow.document(hub.state, uid)


RESOURCE = Resource(
    "key",
    routes=routes.ROUTES,
    tables=(schema.ssh_keys,),
    follows=_follows,
    render={"sshkey": _document},
)
