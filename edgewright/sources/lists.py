"""Reading the lists of the collections: what each of them names as its reading, so that none is named here."""

from __future__ import annotations

from typing import Any

from edgewright.clients.palette.client import Features
from edgewright.clients.ports import BY_NAME, NOT_AVAILABLE, Connection
from edgewright.core.errors import EdgewrightError
from edgewright.sources.redact import redact_all
from edgewright.sources.teller import Teller, optional
from edgewright.store.collection import Collection, Reading
from edgewright.store.every import COLLECTIONS


async def payload_of(client: Connection, reading: Reading, page: int) -> dict[str, Any] | None:
    """Ask for a list; return the payload of its event, or None when a plane that has none means nothing new.

    `page` is how many things one answer may have. Raises `EdgewrightError`.
    """
    try:
        docs = redact_all(await reading.read(await client.port(BY_NAME[reading.port]), page))
    except EdgewrightError as error:
        if error.exit_code in reading.quiet or error.code == NOT_AVAILABLE:
            return None
        raise
    return {"docs": docs, "complete": True} if reading.entire else {"docs": docs}


async def read_list(
    client: Connection, teller: Teller, reported: set[str], collection: Collection[Any], page: int
) -> bool:
    """Read one list and emit it; return whether the plane gives it, report a refusal once. Raises `EdgewrightError`."""
    reading = collection.reading
    if reading is None:
        return False

    async def read() -> None:
        payload = await payload_of(client, reading, page)
        if payload is not None:
            teller.emit(collection.seen, payload)

    return await optional(teller, reported, reading.label, read)


async def read_lists(client: Connection, teller: Teller, reported: set[str], features: Features) -> None:
    """Read every list of a hub, in the order of the collections. Raises `EdgewrightError`."""
    for collection in COLLECTIONS:
        await read_list(client, teller, reported, collection, features.page_limit)
