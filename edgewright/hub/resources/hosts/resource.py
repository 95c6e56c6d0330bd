"""Edge hosts, as the hub knows them."""

from __future__ import annotations

from typing import Any

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.hosts import LoadedHost, load_hosts, load_revoked
from edgewright.hub.db.pruning import DAY, delete_rows
from edgewright.hub.db.records import HostRecord, RevokedCredentials
from edgewright.hub.readmodel.memory import Follow
from edgewright.hub.resource import Resource
from edgewright.hub.resources.hosts import (
    health,
    heartbeat,
    liveness,
    register,
    routes,
    search_routes,
    short_beats,
    site_routes,
)
from edgewright.hub.resources.hosts.clones import Clones
from edgewright.hub.resources.hosts.duplicates import Duplicates
from edgewright.hub.resources.hosts.rejections import Rejections
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _parts(hub: Services) -> tuple[object, ...]:
    rejections = Rejections(hub)
    hub.renderer.rejection = rejections.of
    return (Clones(hub), Duplicates(hub), heartbeat.Heartbeats(hub), short_beats.ShortBeats(hub), rejections)


def _follows(hub: Services) -> tuple[Follow, ...]:
    def put(record: HostRecord) -> None:
        health.follow(hub, record)  # readers get the host with its new health, once

    def put_loaded(loaded: LoadedHost) -> None:
        health.follow_other(hub, loaded)

    def nothing(_uid: str) -> None:
        """Revoked credentials stay revoked."""

    return (
        Follow(
            HostRecord, "host", put, hub.state.drop_host, load_hosts,
            project=lambda record: str(record.project_uid), publishes=True, put_loaded=put_loaded,
        ),
        Follow(
            RevokedCredentials, "revoked-credentials", hub.state.put_revoked, nothing, load_revoked, kind="",
            uid=lambda record: str(record.host_uid),
        ),
    )  # fmt: skip


def _host(hub: Services, uid: str) -> dict[str, Any] | None:
    entry = hub.state.hosts.get(uid)
    return None if entry is None else hub.renderer.summary(entry, times.now())


def _begin(hub: Services) -> None:
    health.start_quietly(hub, hub.started)
    hub.writer.beats_refused = hub.part(heartbeat.Heartbeats).follow


async def _prune(hub: Services, now: float) -> dict[str, int]:
    table = schema.intents
    old = table.c.received < now - hub.options.intent_days * DAY
    return {"intents": await delete_rows(hub, table, table.c.id, old)}


RESOURCE = Resource(
    "host",
    routes=(
        *heartbeat.ROUTES,
        *short_beats.ROUTES,
        *register.ROUTES,
        *routes.ROUTES,
        *search_routes.ROUTES,
        *site_routes.ROUTES,
    ),
    tables=(schema.hosts, schema.heartbeats, schema.host_fields, schema.revoked_credentials, schema.intents),
    parts=_parts,
    follows=_follows,
    render={"host": _host},
    begin=_begin,
    prune=_prune,
    sweeps=(health.sweep, liveness.run),
    open_paths=frozenset({protocol.HOST_REGISTER}),
    own_paths=(protocol.HEARTBEAT_SHORT,),
    fast=lambda hub: (hub.part(heartbeat.Heartbeats), hub.part(short_beats.ShortBeats)),
)
