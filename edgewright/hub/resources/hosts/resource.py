"""Edge hosts, as the hub knows them."""

from __future__ import annotations

from typing import Any

from edgewright.core import times
from edgewright.hub.db import schema
from edgewright.hub.db.hosts import LoadedHost, load_hosts, load_revoked
from edgewright.hub.db.pruning import DAY, delete_rows
from edgewright.hub.db.records import HostRecord, RevokedCredentials
from edgewright.hub.readmodel.memory import Follow
from edgewright.hub.relay.waiting import Waiting
from edgewright.hub.resource import Resource
from edgewright.hub.resources.hosts import (
    health,
    heartbeat,
    liveness,
    register,
    reported,
    routes,
    search_routes,
    short_beats,
    site_routes,
    wake,
)
from edgewright.hub.resources.hosts.clones import Clones
from edgewright.hub.resources.hosts.duplicates import Duplicates
from edgewright.hub.resources.hosts.rejections import Rejections
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _parts(hub: Services) -> tuple[object, ...]:
    rejections = Rejections(hub)
    hub.renderer.rejection = rejections.of
    return (
        Clones(hub),
        Duplicates(hub),
        heartbeat.Heartbeats(hub),
        reported.Reported(hub),
        short_beats.ShortBeats(hub),
        wake.Wakes(),
        rejections,
    )


def _follows(hub: Services) -> tuple[Follow, ...]:
    def generation(uid: str) -> int:
        entry = hub.state.hosts.get(uid)
        return 0 if entry is None else entry.record.generation

    def put(record: HostRecord) -> None:
        before = generation(record.uid)
        health.follow(hub, record)  # readers get the host with its new health, once
        if 0 < before < record.generation:
            hub.part(wake.Wakes).wake(record.uid)

    def put_loaded(loaded: LoadedHost) -> None:
        before = generation(loaded.record.uid)
        health.follow_other(hub, loaded)
        if 0 < before < loaded.record.generation:
            hub.part(wake.Wakes).wake(loaded.record.uid)

    def drop(uid: str) -> None:
        hub.state.drop_host(uid)
        hub.state.pending_work.forget(uid)
        hub.part(wake.Wakes).wake(uid)

    def nothing(_uid: str) -> None:
        """Revoked credentials stay revoked."""

    return (
        Follow(
            HostRecord, "host", put, drop, load_hosts,
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
    hub.memory.watch("alert", hub.part(Clones).follow)
    hub.part(Clones).begin()
    hub.part(Waiting).asked = hub.part(wake.Wakes).wake
    health.start_quietly(hub, hub.started)
    hub.writer.follow_beats = hub.part(heartbeat.Heartbeats).follow


async def _prune(hub: Services, now: float) -> dict[str, int]:
    table = schema.intents
    old = table.c.received < now - hub.options.intent_days * DAY
    return {"intents": await delete_rows(hub, table, table.c.id, old)}


RESOURCE = Resource(
    "host",
    routes=(
        *heartbeat.ROUTES,
        *short_beats.ROUTES,
        *wake.ROUTES,
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
    sweeps=(health.sweep, liveness.run, reported.run, wake.until_the_end),
    open_paths=frozenset({protocol.HOST_REGISTER}),
    own_paths=(protocol.HEARTBEAT_SHORT,),
    fast=lambda hub: (hub.part(heartbeat.Heartbeats), hub.part(short_beats.ShortBeats)),
)
