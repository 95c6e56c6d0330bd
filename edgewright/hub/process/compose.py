"""The one place that knows every resource of the hub."""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from edgewright.hub.controllers.membership import Membership
from edgewright.hub.http.routing import Route
from edgewright.hub.process.app import Hub
from edgewright.hub.process.clock import ClockWatch
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.readmodel.state import State
from edgewright.hub.resource import Resource
from edgewright.hub.resources.alerts.resource import RESOURCE as ALERTS
from edgewright.hub.resources.blobs.resource import RESOURCE as BLOBS
from edgewright.hub.resources.clusters.resource import RESOURCE as CLUSTERS
from edgewright.hub.resources.feed.resource import RESOURCE as FEED
from edgewright.hub.resources.filters.resource import RESOURCE as FILTERS
from edgewright.hub.resources.hosts.resource import RESOURCE as HOSTS
from edgewright.hub.resources.meta.resource import RESOURCE as META
from edgewright.hub.resources.operations.resource import RESOURCE as OPERATIONS
from edgewright.hub.resources.packs.resource import RESOURCE as PACKS
from edgewright.hub.resources.profiles.resource import RESOURCE as PROFILES
from edgewright.hub.resources.registries.resource import RESOURCE as REGISTRIES
from edgewright.hub.resources.relay.resource import RESOURCE as RELAY
from edgewright.hub.resources.roles.resource import RESOURCE as ROLES
from edgewright.hub.resources.ssh_keys.resource import RESOURCE as SSH_KEYS
from edgewright.hub.resources.tenants.resource import RESOURCE as TENANTS
from edgewright.hub.resources.tokens.resource import RESOURCE as TOKENS
from edgewright.hub.resources.users.resource import RESOURCE as USERS
from edgewright.hub.security.secretbox import SecretBox

RESOURCES: tuple[Resource, ...] = (
    HOSTS,
    TOKENS,
    TENANTS,
    FEED,
    OPERATIONS,
    META,
    ALERTS,
    USERS,
    ROLES,
    SSH_KEYS,
    FILTERS,
    BLOBS,
    REGISTRIES,
    PACKS,
    PROFILES,
    CLUSTERS,
    RELAY,
)


def table(options: ServeOptions) -> tuple[Route, ...]:
    """Return every route; a simulated Palette has none that Palette does not have, such as features and stream."""
    every = tuple(route for resource in RESOURCES for route in resource.routes)
    if options.simulate_palette:
        own = tuple(path for resource in RESOURCES for path in resource.own_paths)
        return tuple(route for route in every if not route.path.startswith(own))
    return every


def load(connection: Connection) -> State:
    """Read everything that memory contains from the database."""
    state = State()
    state.load(connection)
    for resource in RESOURCES:
        if resource.load is not None:
            resource.load(connection, state)
    return state


def make_hub(
    options: ServeOptions,
    engines: tuple[Engine, Engine],
    box: SecretBox,
    state: State,
    clock: ClockWatch | None = None,
    membership: Membership | None = None,
) -> Hub:
    """Return a hub with all its resources."""
    return Hub(options, engines, box, state, clock, RESOURCES, table(options), membership)
