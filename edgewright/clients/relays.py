"""Streams of the relay as a port of the client; what opens one is loaded when the first is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edgewright.wire.protocol.relay import API

if TYPE_CHECKING:
    from edgewright.clients.http.transport import Transport
    from edgewright.clients.relay import Stream, Waiting


class Relays:
    """Opens streams over the addresses and with the credential of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def open_stream(
        self, cluster_uid: str, port: int = API, host: str = "", report: Callable[[Waiting], None] = lambda _: None
    ) -> Stream:
        """Open a stream to a port of a cluster's host; `report` is called while it waits. Raises `EdgewrightError`."""
        from edgewright.clients.relay import open_stream

        return await open_stream(self._transport, cluster_uid, port, host, report)
