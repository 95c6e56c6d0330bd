"""One reading of a plane into a store, for who shows a picture and ends: no stream, no waiting."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.client import Features, PlaneClient
from edgewright.core import times
from edgewright.sources.lists import payload_of
from edgewright.store.engine import events
from edgewright.store.engine.store import Store
from edgewright.store.every import COLLECTIONS


async def read_problems(client: PlaneClient, store: Store) -> None:
    """Read what problems are judged by: hosts and the lists that are marked for it. Raises `EdgewrightError`."""
    features = await client.features()
    hosts = [document async for document in client.all_hosts(limit=features.page_limit)]
    store.emit("plane", events.HOSTS_SEEN, {"docs": hosts})
    await _read_lists(client, store, features, judged=True)
    state = "live" if features.hub else "polling"
    reported: dict[str, Any] = {
        "state": state,
        "since": times.now(),
        "plane": features.kind,
        "version": features.version,
    }
    reported["certificates"] = [list(entry) for entry in features.certificates]
    store.emit("plane", events.SOURCE_STATE, reported)
    store.flush()


async def read_once(client: PlaneClient, store: Store) -> None:
    """Read all that a screen may show. Raises `EdgewrightError`."""
    await _read_lists(client, store, await client.features(), judged=False)
    await read_problems(client, store)


async def _read_lists(client: PlaneClient, store: Store, features: Features, judged: bool) -> None:
    for collection in COLLECTIONS:
        reading = collection.reading
        if reading is None or reading.judged is not judged or (reading.hub_only and not features.hub):
            continue
        payload = await payload_of(client, reading, features.page_limit)
        if payload is not None:
            store.emit("plane", collection.seen, payload)
