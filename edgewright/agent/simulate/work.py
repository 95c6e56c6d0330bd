"""Idle connections of simulated hosts: the agent's own (`agent/plane/wake.py`) in one event loop (rule P77).

A simulated fleet is one process, and each connection costs the plane 40 kB: their number is bounded. A host beyond it
learns of work with its next heartbeat, and reports that as any agent does.
"""

from __future__ import annotations

import asyncio
import resource
import ssl
from typing import Optional

from edgewright.agent.plane.client import Client, Endpoint
from edgewright.agent.plane.wake import OFF, Wake, WakeConnection
from edgewright.core.text import amount
from edgewright.wire.protocol.generations import Position

MOST = 500
"""Idle connections of one simulated fleet."""
CONNECT_TIMEOUT = 10.0


def affordable(most: int = MOST) -> int:
    """Return how many idle connections this process opens: half of the files that it may have open, at most `most`."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return most if limit == resource.RLIM_INFINITY else max(0, min(most, limit // 2))


class Work:
    """How one simulated host waits for its next heartbeat, or for work; without a connection it only waits."""

    def __init__(self, connection: Optional[WakeConnection], most: int) -> None:
        self._connection = connection
        self._most = most

    @property
    def state(self) -> Wake:
        """Return whether work starts at once, and if not why."""
        if self._connection is None:
            return Wake(OFF, f"this simulated fleet has {amount(self._most, 'idle connection')}")
        return self._connection.state

    def close(self) -> None:
        """End the connection: the host is cut off, or its program ends."""
        if self._connection is not None:
            self._connection.close()

    async def rest(self, seconds: float, known: Position, credential: str) -> None:
        """Return after `seconds`, or as soon as the plane has work for the host."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        connection = self._connection
        while (left := until - loop.time()) > 0:
            if connection is None or not credential:
                await asyncio.sleep(left)
                return
            if connection.socket is None and connection.pause == 0:
                await asyncio.to_thread(connection.ask, known, credential)  # connects and waits for TLS
            pause = connection.pause
            await _readable(connection.socket, left if pause is None else min(left, max(0.1, pause)))
            if connection.look():
                return


async def _readable(link: Optional[ssl.SSLSocket], seconds: float) -> None:
    """Return when something has arrived on a connection, or after `seconds`."""
    if link is None:
        await asyncio.sleep(seconds)
        return
    loop = asyncio.get_running_loop()
    arrived, number = asyncio.Event(), link.fileno()
    loop.add_reader(number, arrived.set)
    try:
        await asyncio.wait_for(arrived.wait(), seconds)
    except asyncio.TimeoutError:  # noqa: UP041 - two things in 3.9
        pass
    finally:
        loop.remove_reader(number)


def make_work(endpoint: Endpoint, context: ssl.SSLContext, ca: str, uid: str, index: int, most: int) -> Work:
    """Return the waiting of host number `index` of a fleet that has `most` idle connections."""
    if index >= most:
        return Work(None, most)
    return Work(WakeConnection(Client(endpoint, context, ca, timeout=CONNECT_TIMEOUT), uid), most)
