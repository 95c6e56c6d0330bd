"""One reading of a plane into a store, for who shows a picture and ends: no stream, no waiting."""

from __future__ import annotations

from typing import Any

from edgewright.clients import ports
from edgewright.clients.palette.client import Features
from edgewright.clients.ports import CanDescribe, CanListHosts, Connection
from edgewright.core import times
from edgewright.sources.lists import payload_of
from edgewright.store.engine import events
from edgewright.store.engine.store import Store
from edgewright.store.every import COLLECTIONS


async def read_problems(source: Connection, store: Store) -> None:
    """Read what problems are judged by: hosts and the lists that are marked for it. Raises `EdgewrightError`."""
    features = await (await source.port(CanDescribe)).features()
    hosts = [document async for document in (await source.port(CanListHosts)).each()]
    store.emit("plane", events.HOSTS_SEEN, {"docs": hosts})
    await _read_lists(source, store, features, judged=True)
    state = "live" if features.hub else "polling"
    reported: dict[str, Any] = {
        "state": state,
        "since": times.now(),
        "plane": features.kind,
        "version": features.version,
        "missing": list(ports.names(ports.missing(features.kind))),
    }
    reported["certificates"] = [list(entry) for entry in features.certificates]
    store.emit("plane", events.SOURCE_STATE, reported)
    store.flush()


async def read_once(source: Connection, store: Store) -> None:
    """Read all that a screen may show. Raises `EdgewrightError`."""
    features = await (await source.port(CanDescribe)).features()
    await _read_lists(source, store, features, judged=False)
    await read_problems(source, store)


async def _read_lists(source: Connection, store: Store, features: Features, judged: bool) -> None:
    for collection in COLLECTIONS:
        reading = collection.reading
        if reading is None or reading.judged is not judged or (reading.hub_only and not features.hub):
            continue
        payload = await payload_of(source, reading, features.page_limit)
        if payload is not None:
            store.emit("plane", collection.seen, payload)
