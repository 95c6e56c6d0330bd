"""The fixed roles, as the hub knows them."""

from __future__ import annotations

from edgewright.hub.resource import Resource
from edgewright.hub.resources.roles import routes

RESOURCE = Resource("role", routes=routes.ROUTES)
