"""The description of the API as text: made once, at the first request, by a thread: it has hundreds of routes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from edgewright.hub.http import openapi

if TYPE_CHECKING:
    from edgewright.hub.services import Services


class Description:
    """The description of one hub's routes. Used on the event loop only."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._making: asyncio.Future[msgspec.Raw] | None = None

    async def text(self) -> msgspec.Raw:
        """Return the description as JSON."""
        if self._making is None:
            self._making = asyncio.ensure_future(asyncio.to_thread(self._make))
        return await asyncio.shield(self._making)  # a client that disconnects ends no one else's wait

    def _make(self) -> msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(openapi.document(self._hub.routes)))
