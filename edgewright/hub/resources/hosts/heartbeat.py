"""The heartbeat, the one call that an entire fleet makes every minute: straight from ASGI to the writer (rule P17).

No router, no framework objects: a dictionary lookup for the credential, one decode, one row handed to the group commit.
Anything unusual (other spelling of keys, wrong types, another credential) takes the ordinary route.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from edgewright.core import times
from edgewright.core.certificate_clock import BUILT
from edgewright.core.clusters.actions import OPERATOR
from edgewright.core.hosts.link_spec import own_limit
from edgewright.core.text import clean
from edgewright.hub.db.beats import ANY_NUMBER, Written
from edgewright.hub.db.records import HostEntry, Live, Sender
from edgewright.hub.http import problems
from edgewright.hub.http.problems import Behind, Problem, StorageProblem
from edgewright.hub.http.routing import Access, Call, Message, On, Receive, Route, Send
from edgewright.hub.readmodel.pending_work import ENDING, MOVING
from edgewright.hub.relay.waiting import Waiting
from edgewright.hub.resources.hosts import health, shapes
from edgewright.hub.resources.hosts.beat_rounds import BeatRounds
from edgewright.hub.resources.hosts.clones import Clones
from edgewright.hub.resources.hosts.reported import Reported
from edgewright.hub.security.secretbox import digest
from edgewright.wire import protocol
from edgewright.wire.protocol import relay
from edgewright.wire.protocol.generations import read_generation
from edgewright.wire.protocol.work import PLACE, read_progress

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.services import Services

_START, _END = "/v1/edgehosts/", "/health"
_MAX_BODY = 16_384
_LAST_CLOCK = 253_402_300_800.0
"""The end of the year 9999: no clock shows more."""
_GENERATION, _LINEAGE, _INTERVAL, _CLOCK, _DUPLICATE, _RELAY = (
    name.lower().encode()
    for name in (
        protocol.H_GENERATION, protocol.H_LINEAGE, protocol.H_INTERVAL, protocol.H_CLOCK, protocol.H_DUPLICATE,
        relay.HEADER,
    )
)  # fmt: skip
_URGENT, _DOUBTED = f"{protocol.URGENT_INTERVAL:g}".encode(), protocol.CLOCK_DOUBTED.encode()
Headers = list[tuple[bytes, bytes]]
"""Headers as ASGI has them: names in small letters."""
LINK = ("wake", "wakeReason", "metered", "budgetMB", "interval", "silenceLimit", "bytesMonth")
"""What a host reports about its link (P78); stored with the vital signs."""


class Extension(msgspec.Struct):
    """Our own part of a heartbeat."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    """Bounded by what the database can store: one number beyond it would fail the batch, and with it other hosts."""
    bootId: str | None = None
    observedGeneration: int | None = None
    lineage: str | None = None
    address: str | None = None
    mac: str | None = None
    clock: float | None = None
    load1: float | None = None
    cpuPercent: float | None = None
    memoryUsedMB: float | None = None
    uptimeSeconds: float | None = None
    progress: Any = None
    wake: Annotated[str, msgspec.Meta(max_length=16)] | None = None
    wakeReason: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    metered: bool | None = None
    budgetMB: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    interval: Annotated[float, msgspec.Meta(ge=1, le=3600)] | None = None
    silenceLimit: Annotated[float, msgspec.Meta(ge=1, le=86_400)] | None = None
    bytesMonth: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None


class Beat(msgspec.Struct):
    """The body of a heartbeat."""

    state: str | None = None
    message: str | None = None
    agentVersion: str | None = None
    edgewright: Extension | None = None


_decoder = msgspec.json.Decoder(Beat)
_NO_EXTENSION = Extension()


class Heartbeats:
    """Takes heartbeats for the hub."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._interval = f"{hub.options.heartbeat:g}".encode()
        self._lineage = ("", b"")
        self._rounds = BeatRounds(lambda: hub.writer.crowded and not hub.turns.attended)
        self.refused = protocol.ANSWER_TIMEOUT + max(protocol.BACKOFF_CAP, hub.options.heartbeat)
        """Seconds that a host may wait until its next heartbeat when this one was refused or not answered (P4, P43)."""

    @cached_property
    def _waiting(self) -> Waiting:
        return self._hub.part(Waiting)

    @cached_property
    def _clones(self) -> Clones:
        return self._hub.part(Clones)

    def headers(self, entry: HostEntry, others: str, *, known: bool = False) -> Headers:
        """Return the headers of an answer; with `known` only those that differ from what the host expects (P75)."""
        live, hub = entry.live, self._hub
        headers: Headers = []
        if not known or live.observed_generation != entry.record.generation:
            lineage = hub.lineage.value
            if lineage != self._lineage[0]:
                self._lineage = lineage, lineage.encode()
            headers += (_GENERATION, b"%d" % entry.record.generation), (_LINEAGE, self._lineage[1])
        urgent = hub.state.pending_work.has(entry.record.uid)
        if not known or urgent or live.urgent:
            headers.append((_INTERVAL, _URGENT if urgent else self._interval))
        live.urgent = urgent
        if hub.clock.suspect:
            headers.append((_CLOCK, _DOUBTED))
        if others:
            headers.append((_DUPLICATE, others.encode("latin-1")))
        streams = self._waiting.header(entry.record.uid)
        if streams:
            headers.append((_RELAY, streams.encode()))
        return headers

    def matches(self, scope: Message) -> bool:
        """Return whether a request is a heartbeat, by its method and path."""
        path: str = scope["path"]
        return scope["method"] == "PATCH" and path.endswith(_END) and path.startswith(_START)

    async def try_fast(self, scope: Message, receive: Receive, send: Send) -> Message | None:
        """Answer a plain heartbeat and return `None`, or the message read (may be empty) for the ordinary route."""
        path: str = scope["path"]
        entry = self._entry(scope, path)
        if entry is None:
            return {}
        credential = entry.record.credential_hash
        message = await receive()
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            return message
        try:
            beat = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return message
        if beat.state not in ("healthy", "unhealthy"):
            return message
        client = scope.get("client")
        others = await self.accept(entry, credential, beat, times.now(), str(client[0]) if client else "")
        await send({"type": "http.response.start", "status": 204, "headers": self.headers(entry, others)})
        await send({"type": "http.response.body"})
        return None

    def _entry(self, scope: Message, path: str) -> HostEntry | None:
        authorization = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-length" and (len(value) > 5 or int(value) > _MAX_BODY):
                return None
        entry = self._hub.state.credentials.get(digest(authorization.decode("latin-1")))
        if entry is None or entry.record.uid != path[len(_START) : -len(_END)]:
            return None
        return None if entry.record.pending_hash else entry

    async def accept(self, entry: HostEntry, credential: str | None, beat: Beat, now: float, peer: str = "") -> str:
        """Take one heartbeat and return once it is durable; doubled and late ones change nothing.

        `credential` is what the host had when the head of the request was read: its body may come much later.
        Returns the other machines that report with this identity, as text; empty when there is none.
        """
        self._require(entry, credential)
        live = entry.live
        extension = beat.edgewright or _NO_EXTENSION
        boot = extension.bootId or ""
        if boot != live.boot_id:
            boot = clean(boot, 64)
        late = boot in live.replaced_boots if boot != live.boot_id else (
            extension.seq is not None and extension.seq <= live.seq
        )  # fmt: skip
        uid, writer, clones = entry.record.uid, self._hub.writer, self._clones
        origin = peer, extension.address or "", extension.mac or ""
        sender = live.sender if origin == live.sender else Sender(*origin)
        if late and not clones.late(entry, boot, extension.seq, sender, now):
            # What it repeats may have failed to be stored: then it is stored now, else this changes nothing.
            await writer.beat(live.beat(uid, live.seq, 0, force=0))
            self._confirm(entry, credential)
            return clones.others(entry, sender)
        if boot != live.boot_id:
            removed = tuple(other for other in live.replaced_boots if other != boot)
            live.replaced_boots = (*removed[-3:], live.boot_id) if live.boot_id else removed
            live.boot_id, live.seq = boot, -1
        live.sender = sender
        live.seq = extension.seq if extension.seq is not None else live.seq
        moved = self._take(entry, beat, extension, now)
        # What is in memory counts for health (rule P43): whether the row can be stored is not a fault of the host. It
        # gets its acknowledgement only when the row is durable; when the same comes again until then, it is a late one.
        number = live.seq if extension.seq is not None else ANY_NUMBER
        durable = writer.beat(live.beat(uid, number, 1, force=int(late)))
        if live.health != "healthy" or live.state != "healthy":
            moved = not health.settle(self._hub, entry, now, forced=late) and moved
        self._hub.changes.note_beat(uid)
        self._publish(entry, now, moved=moved)
        self._rounds.note()
        try:
            await durable
        except StorageProblem:
            live.excused = max(live.excused, self.refused)
            raise
        self._confirm(entry, credential)
        return clones.others(entry, sender)

    def _confirm(self, entry: HostEntry, credential: str | None) -> None:
        """Raise `Problem` 503 unless memory follows and the host still has the credential that it began with.

        Only after the commit, since that a heartbeat arrived counts for health (rule P43). While it waited, memory may
        have learned of a revocation that is older than this request (rule P68).
        """
        self._hub.check_current()
        self._require(entry, credential)

    def _require(self, entry: HostEntry, credential: str | None) -> None:
        if self._hub.state.credentials.get(credential or "") is not entry:
            raise Behind("The credential of this host was changed while its heartbeat waited; send it again.")

    def follow(self, written: Written) -> None:
        """Take the rows of hosts whose heartbeat the database did not take, and the counts that it corrected."""
        now = times.now()
        reported = self._hub.part(Reported)
        for row in written.other:
            reported.doubt(row.uid, row.health)
            counted = self._hub.state.hosts.get(row.uid)
            if counted is not None and (row.boot_id, row.seq) == (counted.live.boot_id, counted.live.seq):
                counted.live.count = row.counted
            elif counted is not None:
                _count_at_least(counted.live, row, row.counted)
        for row in written.refused:
            entry = self._hub.state.hosts.get(row.uid)
            if entry is None:
                continue
            if not entry.live.is_older(row):
                _count_at_least(entry.live, row, row.count)
                continue
            entry.live.follow(row)
            if not health.settle(self._hub, entry, now):
                health.publish(self._hub, entry, now)

    def take_row(self, row: Any, now: float) -> bool:
        """Take a row that another hub stored; returns whether it is newer than what this hub has of the host."""
        entry = self._hub.state.hosts.get(row.uid)
        if entry is None:
            return False
        live = entry.live
        if not live.is_older(row):
            _count_at_least(live, row, row.count)
            return False
        if (row.boot_id, row.seq) == (live.boot_id, live.seq) and (live.at or 0.0) >= (row.at or 0.0):
            live.count = row.count
            return False
        before = (live.state, live.message, live.agent_version)
        live.follow(row)
        live.excused = 0.0
        live.watched = live.watched or own_limit(live.vitals)
        moved = before != (live.state, live.message, live.agent_version)
        self._hub.changes.note_beat(entry.record.uid)
        if (live.health != "healthy" or live.state != "healthy") and health.settle(
            self._hub, entry, now, reports=False
        ):
            return True
        self._publish(entry, now, moved=moved)
        return True

    def _publish(self, entry: HostEntry, now: float, *, moved: bool) -> None:
        """Let readers have a host after a heartbeat: at once when something else than its time moved."""
        if entry.live.watched:
            self._hub.state.moved.add(entry.record.uid)
        if moved or entry.silent_mark:
            entry.silent_mark = False
            health.publish(self._hub, entry, now)
        elif now - entry.live.published >= protocol.LIVENESS_CHANGE_EVERY:
            entry.live.published = now
            self._hub.changes.publish_alive(entry.record.uid, entry.record.project_uid)

    def _take(self, entry: HostEntry, beat: Beat, extension: Extension, now: float) -> bool:
        """Put a heartbeat into the live part; returns whether something else than the time moved."""
        live = entry.live
        state, message, version = beat.state or "healthy", beat.message or "", beat.agentVersion or ""
        if not (message.isascii() and message.isprintable()) or len(message) > protocol.MAX_MESSAGE:
            message = clean(message, protocol.MAX_MESSAGE)
        if version != live.agent_version:
            version = clean(version, 128)
        if state != live.state:
            live.since = now
        applied = extension.observedGeneration
        moved = state != live.state or message != live.message or version != live.agent_version
        if (
            applied is not None
            and applied != live.observed_generation
            and self._hub.lineage.believes(extension.lineage or None, applied, entry, now)
            and applied > live.observed_generation
        ):
            live.observed_generation = applied
            moved = True
        progress = read_progress(extension.progress) if extension.progress is not None else None
        # How far a step is only moves with the heartbeats of a reader; another step, attempt or wait is a change.
        if progress != live.progress and any(
            (progress or {}).get(name) != (live.progress or {}).get(name) for name in PLACE
        ):
            moved = True
            work = self._hub.state.pending_work
            if progress is not None and progress.get("waitingFor") == OPERATOR:
                work.rests(entry.record.uid)
            else:
                work.moves(entry.record.uid, ENDING if progress is None else MOVING)
        live.progress = progress
        live.state, live.message, live.agent_version = state, message, version
        lineage = self._hub.lineage.value
        live.lineage = lineage if extension.lineage == lineage else ""
        live.at, live.excused = now, self.refused if self._hub.storage.since is not None else 0.0
        clock = extension.clock
        live.clock_offset = clock - now if clock is not None and BUILT <= clock < _LAST_CLOCK else None
        live.count += 1
        vitals: dict[str, Any] = {}
        if extension.load1 is not None:
            vitals["load1"] = extension.load1
        if extension.cpuPercent is not None:
            vitals["cpuPercent"] = extension.cpuPercent
        if extension.memoryUsedMB is not None:
            vitals["memoryUsedMB"] = extension.memoryUsedMB
        if extension.uptimeSeconds is not None:
            vitals["uptimeSeconds"] = extension.uptimeSeconds
        if extension.wake is not None:
            vitals.update({name: value for name in LINK if (value := getattr(extension, name)) is not None})
            live.watched = live.watched or own_limit(vitals)
            if extension.wakeReason:
                vitals["wakeReason"] = clean(extension.wakeReason, 200)
        if extension.bootId:
            vitals["bootId"] = live.boot_id
        if vitals:
            live.vitals = vitals
        return moved


def _count_at_least(live: Live, row: Any, counted: int) -> None:
    """Take the count of a row when memory has a newer heartbeat of the same boot, which may never be stored.

    The next batch of the host corrects it exactly, but a host whose next heartbeat goes to another hub has none here.
    """
    if row.boot_id == live.boot_id:
        live.count = max(live.count, counted)


def texts(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers as a response of the ordinary route takes them."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


async def _slow(call: Call) -> Response:
    """Take a heartbeat that is spelled in an unusual way, with all checks."""
    entry = call.host()
    credential = entry.record.credential_hash
    body = await call.body()
    extension = body.get("edgewright") or {}
    if read_generation(extension.get("observedGeneration")) is None:
        extension.pop("observedGeneration", None)  # an odd number is not believed; the host is alive all the same
    try:
        beat = msgspec.convert(body, Beat)
    except msgspec.ValidationError as error:
        raise Problem(422, problems.TYPE, f"body in body is of a wrong type: {error}") from None
    others = await call.hub.part(Heartbeats).accept(entry, credential, beat, times.now(), call.actor.address)
    return call.empty(texts(call.hub.part(Heartbeats).headers(entry, others)))


ROUTES = (Route("PATCH", protocol.HOST_HEALTH, Access.HOST, _slow, On.HOST, body=shapes.HEALTH),)
