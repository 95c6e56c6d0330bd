"""The table of every operation that the hub offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright.hub import (
    alerts,
    heartbeat,
    register,
    routes_audits,
    routes_events,
    routes_handling,
    routes_hosts,
    routes_meta,
    routes_operations,
    routes_projects,
    routes_search,
    routes_site,
    routes_tokens,
    routes_users,
)
from edgewright.hub.alerting import palette as routes_channels
from edgewright.hub.alerting import routes as routes_receivers
from edgewright.hub.host_store import need_host, save_host
from edgewright.hub.options import ServeOptions
from edgewright.hub.routing import Route
from edgewright.wire import protocol

if TYPE_CHECKING:
    from edgewright.hub.app import Hub
    from edgewright.hub.writer import Tx

NO_CREDENTIAL = frozenset(
    {protocol.HOST_REGISTER, protocol.AUTHENTICATE, protocol.REFRESH, protocol.FEATURES, *routes_meta.OPEN_PATHS}
)
"""Paths on which a stale credential in the headers is no reason to refuse."""

_NOT_IN_PALETTE = (
    protocol.FEATURES,
    protocol.CHANGES,
    protocol.HUB_STATUS,
    protocol.HANDLING,
    protocol.RECEIVERS,
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
        save_host(hub, tx, record, credential_hash=record.pending_hash, pending_hash=None, modified=record.modified)
