"""How a made-up host takes the document of its cluster from the plane and reports about it, by the real protocol."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Mapping

from edgewright.agent.plane.client import Reply
from edgewright.agent.simulate.clusters import SimulatedClusters
from edgewright.core.clusters.document import read
from edgewright.core.errors import InvalidDocument
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire

Send = Callable[[str, str, Any], Awaitable[Reply]]
"""Sends a request of the host: method, path and body."""
Announce = Callable[[str, str], Awaitable[None]]


async def take(clusters: SimulatedClusters, uid: str, extension: Mapping[str, Any], send: Send) -> bool:
    """Take the document that a desired state names (P100), and hand over the one that it asks for (P106).

    Returns whether nothing is left to ask for and to send.
    """
    return await _fetched(clusters, uid, extension, send) and await _handed_over(clusters, uid, extension, send)


async def _fetched(clusters: SimulatedClusters, uid: str, extension: Mapping[str, Any], send: Send) -> bool:
    """Fetch the document.

    Without a name in it the host continues with what it has: absence is never removal.
    """
    named = extension.get("cluster")
    if not isinstance(named, dict):
        return True
    before = clusters.document(uid)
    if before is not None:
        mine = (before.uid, before.lineage, before.generation, before.digest)
        if mine == tuple(named.get(name) for name in ("uid", "lineage", "generation", "digest")):
            return True
    reply = await send("GET", protocol.path(wire.DESIRED, uid=str(named.get("uid") or "")), None)
    if reply.status in (403, 404):
        return True
    if reply.status != 200:
        return False
    try:
        document = read(reply.json().get("document") or {})
    except InvalidDocument:
        return True  # it stays as it is until there is another one
    clusters.offer(uid, document)
    return True


async def _handed_over(clusters: SimulatedClusters, uid: str, extension: Mapping[str, Any], send: Send) -> bool:
    """Send the document that an operator adopts (P106); return whether nothing is left to send."""
    wanted = extension.get("adopt")
    body = clusters.adoption(uid, wanted) if isinstance(wanted, dict) else None
    if body is None:
        return True
    reply = await send("PUT", protocol.path(wire.ADOPTION, uid=body["document"]["uid"]), body)
    return reply.status < 500 and reply.status != 429


async def report(clusters: SimulatedClusters, uid: str, send: Send, announce: Announce) -> None:
    """Report what has changed: events of steps (P70), the host (P102), as the leader the cluster (P103)."""
    document = clusters.document(uid)
    if document is None:
        return
    for event in clusters.events(uid):
        await announce(event.reason, event.message)
    body = clusters.report(uid)
    if body is not None:
        await send("PUT", protocol.path(wire.HOST_STATE, uid=document.uid), body)
    observed = clusters.observed(uid)
    if observed is not None:
        await send("PUT", protocol.path(wire.OBSERVED, uid=document.uid), observed)
    release = clusters.released(uid)
    if release:
        place = {"lineage": document.lineage, "generation": document.generation}
        reply = await send("PUT", protocol.path(wire.HOST_STATE, uid=document.uid), {**place, "released": release})
        if reply.status in (204, 403, 404):
            clusters.forget(uid)
