"""The short form of a heartbeat (rule P75): a line of some 30 bytes, answered by a status line alone.

It means the last full heartbeat with new vital signs. It is taken only when this process has accepted a full one
of the same boot under the present lineage; otherwise the host is asked for a full one with 409. An answer without
headers means: the applied generation is the newest, the lineage is the same, the interval is the normal one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from edgewright.core import times
from edgewright.hub.db.records import HostEntry
from edgewright.hub.http import shapes
from edgewright.hub.http.problems import Problem
from edgewright.hub.http.routing import Access, Call, Message, Receive, Route, Send
from edgewright.hub.resources.hosts.heartbeat import LINK, Beat, Extension, Headers, Heartbeats, texts
from edgewright.hub.security.secretbox import digest
from edgewright.wire import protocol
from edgewright.wire.protocol.short_beat import MAX_LINE, ShortBeat, clock_difference, read_short_beat

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.services import Services

_CLOCK_AGREES = 5.0
"""Seconds by which the host's clock may differ from where it was at the last full heartbeat."""


class ShortBeats:
    """Takes short heartbeats for the hub."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub

    @cached_property
    def _heartbeats(self) -> Heartbeats:
        return self._hub.part(Heartbeats)

    def matches(self, scope: Message) -> bool:
        """Return whether a request is a short heartbeat, by its method and path."""
        return bool(scope["path"] == protocol.HEARTBEAT_SHORT and scope["method"] == "POST")

    async def try_fast(self, scope: Message, receive: Receive, send: Send) -> Message | None:
        """Answer a short heartbeat and return `None`, or the message read (may be empty) for the ordinary route."""
        entry = self._entry(scope)
        if entry is None:
            return {}
        credential = entry.record.credential_hash
        message = await receive()
        if message.get("more_body"):
            return message
        client = scope.get("client")
        headers = await self.accept(entry, credential, message.get("body", b""), str(client[0]) if client else "")
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body"})
        return None

    def _entry(self, scope: Message) -> HostEntry | None:
        authorization = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-length" and (len(value) > 2 or int(value) > MAX_LINE):
                return None
        entry = self._hub.state.credentials.get(digest(authorization.decode("latin-1")))
        return None if entry is None or entry.record.pending_hash else entry

    async def accept(self, entry: HostEntry, credential: str | None, line: bytes, peer: str) -> Headers:
        """Take one short heartbeat and return the headers of its answer; raises `Problem` 409 for a full one."""
        beat, now = read_short_beat(line), times.now()
        full = None if beat is None else self._as_full(entry, beat, peer, now)
        if full is None:
            raise Problem(409, protocol.E_FULL_HEARTBEAT, "Send a full heartbeat.")
        others = await self._heartbeats.accept(entry, credential, full, now, peer)
        return self._heartbeats.headers(entry, others, known=True)

    def _as_full(self, entry: HostEntry, beat: ShortBeat, peer: str, now: float) -> Beat | None:
        """Return the full heartbeat that a short one means; `None` when the last one does not have the rest.

        A late one, or one from elsewhere, may be of a second machine with the same boot id (a copy of a virtual machine
        that runs): only full ones name their sender (P17), so the next one of each machine is to be full.
        """
        live = entry.live
        if not live.lineage or live.lineage != self._hub.lineage.value or not live.boot_id.startswith(beat.boot):
            return None
        if beat.seq <= live.seq or live.sender.peer not in ("", peer):
            live.lineage = ""
            return None
        clock = None if live.clock_offset is None else now + live.clock_offset
        if clock is not None and abs(clock_difference(beat, clock)) > _CLOCK_AGREES:
            return None
        uptime = live.vitals.get("uptimeSeconds")
        passed = now - live.at if live.at is not None else 0.0
        return Beat(
            live.state,
            live.message,
            live.agent_version,
            Extension(
                seq=beat.seq,
                bootId=live.boot_id,
                lineage=live.lineage,
                address=live.sender.address,
                mac=live.sender.mac,
                clock=clock,
                load1=beat.load1,
                cpuPercent=beat.cpu_percent,
                memoryUsedMB=beat.memory_used_mb,
                uptimeSeconds=None if uptime is None else round(uptime + max(0.0, passed)),
                progress=live.progress,
                **{name: live.vitals[name] for name in LINK if name in live.vitals},
            ),
        )


async def _slow(call: Call) -> Response:
    """Take a short heartbeat with another spelling of its headers, or after a new credential."""
    entry = call.actor.host
    assert entry is not None  # the route is for hosts alone
    credential = entry.record.credential_hash
    headers = await call.hub.part(ShortBeats).accept(entry, credential, await call.raw_body(), call.actor.address)
    return call.empty(texts(headers))


_LINE = shapes.text(MAX_LINE)
ROUTES = (Route("POST", protocol.HEARTBEAT_SHORT, Access.ANY_HOST, _slow, body=_LINE, media="text/plain"),)
