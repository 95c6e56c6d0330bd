"""One reading of a plane into a store, for who shows a picture and ends: no stream, no waiting."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.client import PlaneClient
from edgewright.core import times
from edgewright.core.errors import NotFound
from edgewright.store.engine import events
from edgewright.store.engine.store import Store


async def read_problems(client: PlaneClient, store: Store) -> None:
    """Read what problems are judged by: hosts, tokens, alerts and who handles them. Raises `EdgewrightError`."""
    features = await client.features()
    hosts = [document async for document in client.all_hosts(limit=features.page_limit)]
    store.emit("plane", events.HOSTS_SEEN, {"docs": hosts})
    store.emit("plane", events.TOKENS_SEEN, {"docs": await client.tokens(), "complete": True})
    if features.hub:
        try:
            store.emit("plane", events.ALERTS_SEEN, {"docs": await client.alerts(), "complete": True})
            store.emit("plane", events.HANDLING_SEEN, {"docs": await client.handling(), "complete": True})
        except NotFound:
            pass  # an older hub
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
    features = await client.features()
    store.emit("plane", events.PROJECTS_SEEN, {"docs": await client.projects(), "complete": True})
    store.emit("plane", events.FEED_SEEN, {"docs": (await client.events(limit=features.page_limit)).items})
    store.emit("plane", events.AUDITS_SEEN, {"docs": (await client.audits(limit=features.page_limit)).items})
    if features.hub:
        store.emit("plane", events.OPERATIONS_SEEN, {"docs": await client.all_operations(), "complete": True})
    await read_problems(client, store)
