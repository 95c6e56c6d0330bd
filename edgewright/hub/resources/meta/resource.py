"""What the hub reports about itself: status, features, changes, description."""

from __future__ import annotations

from edgewright.hub.resource import Resource
from edgewright.hub.resources.meta import routes
from edgewright.wire import protocol

RESOURCE = Resource(
    "hub",
    routes=routes.ROUTES,
    own_paths=(protocol.FEATURES, protocol.CHANGES, protocol.HUB_STATUS, protocol.OPENAPI),
    open_paths=frozenset({protocol.FEATURES, *routes.OPEN_PATHS}),
)
