"""The table of every operation that the hub offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.hub.http.routing import Route
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.resources.alerts import alerts
from edgewright.hub.resources.alerts import handling_routes as routes_handling
from edgewright.hub.resources.alerts import palette as routes_channels
from edgewright.hub.resources.alerts import routes as routes_receivers
from edgewright.hub.resources.feed import audits as routes_audits
from edgewright.hub.resources.feed import events as routes_events
from edgewright.hub.resources.filters import routes as routes_filters
from edgewright.hub.resources.hosts import (
    heartbeat,
    register,
)
from edgewright.hub.resources.hosts import (
    routes as routes_hosts,
)
from edgewright.hub.resources.hosts import (
    search_routes as routes_search,
)
from edgewright.hub.resources.hosts import (
    site_routes as routes_site,
)
from edgewright.hub.resources.hosts.store import need_host, save_host
from edgewright.hub.resources.meta import routes as routes_meta
from edgewright.hub.resources.operations import routes as routes_operations
from edgewright.hub.resources.roles import routes as routes_roles
from edgewright.hub.resources.ssh_keys import routes as routes_ssh_keys
from edgewright.hub.resources.tenants import projects as routes_projects
from edgewright.hub.resources.tenants import users as routes_users
from edgewright.hub.resources.tokens import routes as routes_tokens
from edgewright.hub.resources.users import routes as routes_user_records
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.process.app import Hub

NO_CREDENTIAL = frozenset(
    {
        protocol.HOST_REGISTER,
        protocol.AUTHENTICATE,
        protocol.REFRESH,
        protocol.FEATURES,
        protocol.ACTIVATIONS,
        *routes_meta.OPEN_PATHS,
    }
)
"""Paths on which a stale credential in the headers is not a reason to refuse."""

_NOT_IN_PALETTE = (
    protocol.FEATURES,
    protocol.CHANGES,
    protocol.HUB_STATUS,
    protocol.OPENAPI,
    protocol.HANDLING,
    protocol.RECEIVERS,
    protocol.ACTIVATIONS,
)
_MODULES = (
    heartbeat.ROUTES,
    register.ROUTES,
    routes_hosts.ROUTES,
    routes_search.ROUTES,
    routes_tokens.ROUTES,
    routes_users.ROUTES,
    routes_projects.ROUTES,
    routes_events.ROUTES,
    routes_audits.ROUTES,
    routes_operations.ROUTES,
    routes_site.ROUTES,
    routes_meta.ROUTES,
    alerts.ROUTES,
    routes_handling.ROUTES,
    routes_receivers.ROUTES,
    routes_channels.ROUTES,
    routes_user_records.ROUTES,
    routes_roles.ROUTES,
    routes_ssh_keys.ROUTES,
    routes_filters.ROUTES,
)


def table(options: ServeOptions) -> tuple[Route, ...]:
    """Return every route; a simulated Palette has no features and no stream."""
    every = tuple(route for module in _MODULES for route in module)
    if options.simulate_palette:
        return tuple(route for route in every if not route.path.startswith(_NOT_IN_PALETTE))
    return every


def promote_credential(hub: Hub, tx: Tx, uid: str) -> None:
    """End a host's older credential, now that the newer one was used (rule P10)."""
    record = need_host(tx, uid)
    if record.pending_hash:
        save_host(tx, record, credential_hash=record.pending_hash, pending_hash=None, modified=record.modified)
