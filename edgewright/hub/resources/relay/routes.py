"""The relay over the API: a client opens a stream to a port of a cluster's host, and the host brings its end (P30)."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from starlette.responses import Response

from edgewright.core import times
from edgewright.core.roles import OPERATOR
from edgewright.core.text import clean, integer
from edgewright.hub.clusters import tables
from edgewright.hub.clusters.index import Cluster, ClusterIndex
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http import shapes
from edgewright.hub.http.problems import Problem, conflict, forbidden, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.upgrade import Upgrade, key_of
from edgewright.hub.relay.choice import choose
from edgewright.hub.relay.tables import StreamRecord, relay_streams
from edgewright.hub.relay.waiting import Reaches, Waiting
from edgewright.hub.resources.relay import bridge
from edgewright.hub.resources.relay.streams import Stream
from edgewright.hub.resources.relay.table import Streams, forget
from edgewright.hub.security.secretbox import new_uid
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from edgewright.wire.protocol import relay

KNOWN_WITHIN = 2.0
"""Seconds that this hub waits to learn of a stream that another one announced."""
_LOOK = 0.05


def _upgrades(call: Call) -> bool:
    return call.request.headers.get("upgrade", "").lower() == "websocket"


def _cluster(call: Call) -> Cluster:
    item = call.hub.part(ClusterIndex).by_uid.get(call.uid)
    if item is None or not call.scope.covers(item.record.project_uid):
        raise not_found("cluster", call.uid)
    call.require(OPERATOR, item.record.project_uid)
    if item.record.phase == tables.DELETED_PHASE:
        raise Problem(404, wire.E_DELETED, f"The cluster '{item.record.name}' is deleted.")
    if item.head["simulated"]:
        raise conflict(f"The cluster '{item.record.name}' is simulated and has no API.", wire.E_SIMULATED)
    return item


def _port(call: Call) -> int:
    text = call.request.query_params.get("port", "") or str(relay.API)
    port = integer(text)
    if port not in relay.PORTS:
        allowed = ", ".join(map(str, relay.PORTS))
        raise Problem(422, relay.E_PORT, f"A stream leads to one of the ports {allowed}, never to {clean(text, 16)}.")
    return port


async def client(call: Call) -> Response:
    """Open a stream; without a WebSocket, show which host would be asked, how, and when."""
    item, port = _cluster(call), _port(call)
    chosen = choose(call.hub, item, call.request.query_params.get("host", ""))
    if not _upgrades(call):
        shown = {**chosen.document(), "port": port, "reach": call.hub.part(Reaches).document(item.uid)}
        return call.json(shown)
    key = key_of(call.request)
    streams, waiting = call.hub.part(Streams), call.hub.part(Waiting)
    streams.admit(call.actor.uid, chosen.uid)
    membership = call.hub.membership
    record = StreamRecord(
        new_uid(), item.uid, chosen.uid, port, membership.id, membership.address, round(chosen.until, 3)
    )
    stream = Stream(record, call.actor, streams.opened, streams.ended, call.hub.turns.note_user)
    stream.asked = {"state": "waiting", **chosen.document()}
    streams.add(stream)  # before it is stored, so that the limits count it

    def job(tx: Tx) -> None:
        tx.run(relay_streams.insert().values(**{name: getattr(record, name) for name in record.__struct_fields__}))
        tx.changed(record)
        message = f"Relay of the cluster '{item.record.name}' to port {port} of the host {chosen.uid} is opened"
        call.audit(tx, "action", wire.KIND, item.uid, item.record.name, message, item.record.project_uid)

    try:
        await call.write(job)
    except BaseException:
        waiting.drop(record.uid)
        stream.end("it could not be stored")
        raise
    return Upgrade(key, stream.client)


async def host(call: Call) -> Response:
    """Take the host's end of a stream; without a WebSocket, list the streams that wait for it."""
    waiting = call.hub.part(Waiting)
    if not _upgrades(call):
        asked = [{"id": each.id, "port": each.port} for each in waiting.of_host(call.uid)]
        return call.json({"streams": asked})
    key = key_of(call.request)
    query = call.request.query_params
    record = await _wanted(call, query.get("stream", ""), query.get("port", ""))
    if record.hub != call.hub.membership.id:
        if relay.BRIDGED in call.request.headers or record.until < times.now():
            raise not_found("stream", record.uid)  # the process with the client has ended: its address leads here now
        headers = {
            name: call.request.headers.get(name, "")
            for name in ("authorization", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version")
        }
        headers[relay.BRIDGED] = "1"
        target = f"{protocol.path(relay.OWN, uid=call.uid)}?{urlencode({'stream': record.uid, 'port': record.port})}"
        far = await bridge.connect(call.hub.data, record.address, target, headers, call.hub.turns.note_user)
        return Upgrade(key, far)
    stream = call.hub.part(Streams).by_uid.get(record.uid)
    if stream is None or stream.over or stream.taken:
        raise not_found("stream", record.uid)
    stream.taken = True
    return Upgrade(key, stream.host)


async def failed(call: Call) -> Response:
    """Take a host's report that it cannot bring a stream."""
    body = await call.body()
    record = await _wanted(call, body["stream"], str(body["port"]))
    if record.hub == call.hub.membership.id:
        stream = call.hub.part(Streams).by_uid.get(record.uid)
        if stream is not None and not stream.taken:
            reason = clean(body.get("reason") or "no reason given", 200)
            stream.fail(relay.E_REFUSED, f"The host {call.uid} cannot open port {record.port}: {reason}")
    else:  # its hub sees that the row is removed, and ends the stream
        await call.write(lambda tx: forget(tx, record))
    return call.empty()


async def _wanted(call: Call, uid: str, port: str) -> StreamRecord:
    """Return a stream that waits for the calling host; raises 404 for none, 403 for one of another host or port."""
    waiting, end = call.hub.part(Waiting), asyncio.get_running_loop().time() + KNOWN_WITHIN
    record = waiting.by_uid.get(uid)
    while record is None and call.hub.membership.shared and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(_LOOK)
        record = waiting.by_uid.get(uid)
    if record is None:
        raise not_found("stream", uid[:64])
    if record.host_uid == call.uid and port == str(record.port):
        return record
    other = f"port {clean(port, 16) or 'none'}" if record.host_uid == call.uid else "a stream of another host"
    message = f"The host '{call.uid}' answered the request for port {record.port} with {other}; it is refused"
    stream = call.hub.part(Streams).by_uid.get(record.uid)
    if record.host_uid == call.uid and stream is not None:
        stream.fail(relay.E_REFUSED, f"{message}.")
    item = call.hub.part(ClusterIndex).by_uid.get(record.cluster_uid)
    name, project = ("", "") if item is None else (item.record.name, item.record.project_uid)

    def job(tx: Tx) -> None:
        call.audit(tx, "action", wire.KIND, record.cluster_uid, name, message, project)
        if record.host_uid == call.uid and stream is None:
            forget(tx, record)  # its hub sees that the row is removed, and ends the stream

    await call.write(job)
    raise forbidden(f"{message}.")


_ASKED = shapes.obj(id=shapes.text(relay.ID_LENGTH), port=shapes.INTEGER)
_REACH = shapes.obj(state=shapes.text(16, "yes", "no", "unknown"), since=shapes.text(40), error=shapes.text(1024))
_SHOWN = shapes.obj(
    host=shapes.text(128), hostName=shapes.text(128), by=shapes.text(16), expectedAt=shapes.text(40),
    seconds=shapes.NUMBER, port=shapes.INTEGER, reach=shapes.obj(direct=_REACH, ssh=_REACH, relay=_REACH),
)  # fmt: skip
_FAILED = shapes.requiring(
    shapes.obj(stream=shapes.text(relay.ID_LENGTH), port=shapes.INTEGER, reason=shapes.text(1024)), "stream", "port"
)
_QUERY = {"port": shapes.INTEGER, "host": shapes.text(128)}
ROUTES = (
    Route("GET", relay.STREAM, Access.OPERATE, client, On.OBJECT, query=_QUERY, returns=_SHOWN),
    Route(
        "GET", relay.OWN, Access.HOST, host, On.HOST,
        query={"stream": shapes.text(relay.ID_LENGTH), "port": shapes.INTEGER},
        returns=shapes.obj(streams=shapes.many(_ASKED, 500)),
    ),
    Route("POST", relay.OWN, Access.HOST, failed, On.HOST, body=_FAILED),
)  # fmt: skip
