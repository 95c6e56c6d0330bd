"""The relay, as the hub knows it."""

from __future__ import annotations

from sqlalchemy import Connection, select

from edgewright.core import times
from edgewright.hub.db.pruning import delete_rows
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.relay.tables import ReachRecord, StreamRecord, relay_reach, relay_streams
from edgewright.hub.relay.waiting import Reaches, Waiting
from edgewright.hub.resource import Resource
from edgewright.hub.resources.relay import routes
from edgewright.hub.resources.relay.table import Streams, stop, watch
from edgewright.hub.services import Services

LEFT = 3600.0
"""Seconds after which the row of a stream whose hub was killed is removed."""


def _load(connection: Connection, state: State) -> None:
    waits = select(relay_streams).where(relay_streams.c.until > times.now())
    state.loaded[StreamRecord] = [StreamRecord(**row._mapping) for row in connection.execute(waits)]
    state.loaded[ReachRecord] = [ReachRecord(**row._mapping) for row in connection.execute(select(relay_reach))]


def _parts(hub: Services) -> tuple[object, ...]:
    loaded = hub.state.loaded
    return (Waiting(loaded.pop(StreamRecord, [])), Reaches(loaded.pop(ReachRecord, [])), Streams(hub))


def _follows(hub: Services) -> tuple[Follow, ...]:
    waiting, reaches = hub.part(Waiting), hub.part(Reaches)

    def drop(uid: str) -> None:
        waiting.drop(uid)
        hub.part(Streams).forgotten(uid)

    return (
        Follow(StreamRecord, "relay stream", waiting.put, drop, rows(relay_streams, StreamRecord), kind=""),
        Follow(
            ReachRecord, "relay reach", reaches.put, reaches.drop, rows(relay_reach, ReachRecord, "cluster_uid"),
            kind="cluster", project=hub.part(Streams).project_of,
        ),
    )  # fmt: skip


async def _prune(hub: Services, now: float) -> dict[str, int]:
    return {
        "relay_streams": await delete_rows(hub, relay_streams, relay_streams.c.uid, relay_streams.c.until < now - LEFT)
    }


RESOURCE = Resource(
    "relay",
    routes=routes.ROUTES,
    tables=(relay_streams, relay_reach),
    load=_load,
    parts=_parts,
    follows=_follows,
    prune=_prune,
    sweeps=(watch,),
    stops=(stop,),
)
