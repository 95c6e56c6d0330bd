"""The idle connection on which a host learns at once that there is work for it (rule P77).

The host asks and gets its answer when its generation rises, when a stream of the relay waits for it (P30), when its
record ends, or when the time that it asked for is over. It then sends a heartbeat and fetches its desired state as
always: the answer has no content but the streams, so nothing else can be lost with it. One request of each host waits;
a newer one ends the older.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edgewright.core.text import integer
from edgewright.hub.http import shapes
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.relay.waiting import Waiting
from edgewright.hub.resources.hosts.heartbeat import Heartbeats, texts
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.services import Services


class Wakes:
    """The requests that wait, by host. Used on the event loop only."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._stopped = False

    def __len__(self) -> int:
        """Return how many hosts wait."""
        return len(self._waiting)

    def wake(self, uid: str) -> None:
        """Answer the request of a host, if it waits."""
        waiter = self._waiting.pop(uid, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def stop(self) -> None:
        """Answer all requests, and let no other wait; for the end of the hub."""
        self._stopped = True
        for uid in list(self._waiting):
            self.wake(uid)

    async def wait(self, uid: str, seconds: float) -> None:
        """Return when the host is to look, or after `seconds`."""
        self.wake(uid)
        if self._stopped:
            return
        loop = asyncio.get_running_loop()
        waiter = self._waiting[uid] = loop.create_future()
        timer = loop.call_later(seconds, self._end, uid, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._forget(uid, waiter)

    def _end(self, uid: str, waiter: asyncio.Future[None]) -> None:
        self._forget(uid, waiter)
        if not waiter.done():
            waiter.set_result(None)

    def _forget(self, uid: str, waiter: asyncio.Future[None]) -> None:
        if self._waiting.get(uid) is waiter:
            del self._waiting[uid]


async def until_the_end(hub: Services) -> None:
    """Answer all requests once the hub ends: it cancels this."""
    try:
        await asyncio.Event().wait()
    finally:
        hub.part(Wakes).stop()


async def _wake(call: Call) -> Response:
    """Wait for work of the host."""
    entry = call.host()
    query = call.request.query_params
    known = integer(query.get("generation", ""))
    seconds = integer(query.get("seconds", "")) or protocol.WAKE_SECONDS
    news = known is None or entry.record.generation > known or query.get("lineage", "") != call.hub.lineage.value
    waiting = call.hub.part(Waiting)
    if not news and not waiting.unnamed(call.uid):
        await call.hub.part(Wakes).wait(call.uid, float(min(max(1, seconds), protocol.WAKE_SECONDS)))
    headers = texts(call.hub.part(Heartbeats).headers(entry, "", known=True))
    waiting.name(call.uid)
    return call.empty(headers)


ROUTES = (
    Route(
        "GET",
        protocol.HOST_WAKE,
        Access.HOST,
        _wake,
        On.HOST,
        query={"generation": shapes.INTEGER, "lineage": shapes.text(16), "seconds": shapes.INTEGER},
        status=204,
    ),
)
