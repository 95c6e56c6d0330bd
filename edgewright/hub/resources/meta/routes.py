"""Health of the hub itself, its features, its change stream, and version of the agent."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

import edgewright
from edgewright.core import times
from edgewright.core.text import integer
from edgewright.hub.controllers.membership import processes
from edgewright.hub.http.problems import Problem, bad_request, not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.http.shapes import INTEGER, NUMBER
from edgewright.hub.process.clock import boottime
from edgewright.hub.readmodel.compression import Compressed, accepts_gzip
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.view import View
from edgewright.hub.resources.meta import shapes
from edgewright.hub.resources.meta.description import Description
from edgewright.hub.security import pki
from edgewright.wire import protocol

if TYPE_CHECKING:
    from starlette.responses import Response

    from edgewright.hub.services import Services

HUBS_WITHIN = 3.0
"""Seconds in which the database must name its hubs, below the time-out of `hub status`."""
MAX_STREAMS = 200
"""Change streams that one API key may have open."""
PING = protocol.HEALTH_PING
READY = "/v1/health/ready"
SERVICE_VERSION = "/v1/services/{serviceName}/version"
OPEN_PATHS = (PING, READY)
_SSE = "text/event-stream"
_SINCE = {"since": INTEGER, "beats": NUMBER}


async def ping(call: Call) -> Response:
    """Report that the process answers."""
    return call.json({"msg": "pong"})


async def ready(call: Call) -> Response:
    """Report that the database accepts writes."""
    await call.hub.storage.prove()
    return call.json({"msg": "ready"})


async def features(call: Call) -> Response:
    """Report to a client what this plane can do beyond Palette (rule P31)."""
    hub = call.hub
    return call.json(
        {
            "product": "edgewright-hub",
            "version": edgewright.__version__,
            "apiVersion": protocol.API_VERSION,
            "stream": protocol.CHANGES,
            "beats": protocol.BEATS_EVERY,
            "pageLimit": protocol.PAGE_LIMIT_EXTENDED,
            "started": times.rfc3339(hub.started),
            "now": times.rfc3339(times.now()),
            "heartbeat": hub.options.heartbeat,
            "silenceLimit": hub.options.silence_limit,
            "listen": hub.options.listen,
            "advertise": list(hub.options.advertise),
            "certificates": pki.certificates(hub.data),
        }
    )


async def status(call: Call) -> Response:
    """Report the state of this hub, for `hub status`."""
    hub = call.hub
    view, counted = View(hub.renderer, call.now), {"healthy": 0, "unhealthy": 0, "unknown": 0}
    async with call.pace() as pace:
        for entry in list(hub.state.hosts.values()):
            view.entry = entry
            counted[view.health()] += 1
            if pace.due:
                await pace.rest()
    space = shutil.disk_usage(hub.data)
    return call.json(
        {
            "version": edgewright.__version__,
            "started": times.rfc3339(hub.started),
            "uptimeSeconds": int(hub.clock.elapsed()),
            "hosts": {"count": len(hub.state.hosts), **counted},
            "heartbeatsPerSecond": round(hub.meter.rate(boottime(), hub.writer.beats_written), 1),
            "streams": hub.changes.readers.total(),
            "lineage": hub.lineage.value,
            "lineageSince": times.rfc3339(hub.lineage.since),
            "databaseBytes": sum(path.stat().st_size for path in hub.data.glob("hub.db*")),
            "freeBytes": space.free,
            "caEnds": times.rfc3339(pki.ca_ends(hub.data)),
            **hub.clock.as_dict(),
            **hub.storage.as_dict(),
            "hubs": await _hubs(hub),
        }
    )


async def _hubs(hub: Services) -> list[dict[str, Any]] | None:
    """Return the hubs of this database with their tasks; `None` while the database does not answer."""
    if not hub.membership.shared:
        now = times.rfc3339(times.now())
        started = times.rfc3339(hub.started)
        address, tasks = hub.membership.address, sorted(hub.membership.names)
        return [
            {
                "id": hub.membership.id, "address": address, "version": edgewright.__version__, "since": started,
                "lastSeen": now, "ageSeconds": 0.0, "state": "up", "tasks": tasks, "this": True,
            }
        ]  # fmt: skip
    if hub.storage.since is not None:
        return None
    try:
        async with asyncio.timeout(HUBS_WITHIN):
            rows = await hub.read(processes)
    except (TimeoutError, Problem):
        return None
    return [{**process.as_dict(), "this": process.id == hub.membership.id} for process in rows]


async def changes(call: Call) -> Response:
    """Stream what changes, as server-sent events (rule P33)."""
    text = call.request.query_params.get("since") or call.request.headers.get(protocol.H_LAST_EVENT, "")
    since = integer(text)
    if text and since is None:
        raise bad_request("The value of 'since' is not a sequence number of this stream.")
    if call.hub.changes.readers[call.caller] >= MAX_STREAMS:
        message = f"{MAX_STREAMS} streams of this API key are open; close some, or use another key."
        raise Problem(429, protocol.E_TOO_MANY, message, {"Retry-After": "30"})
    actor, authenticator = call.actor, call.hub.authenticator
    stream: AsyncIterator[bytes] = call.hub.changes.stream(
        since,
        call.scope,
        lambda: authenticator.may_continue(actor),
        authenticator.end(actor),
        Pace(call.hub.turns, call.caller),
        _beats_since(call),
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Accept-Encoding"}
    if accepts_gzip(call.request.headers.get("Accept-Encoding", "")):
        headers["Content-Encoding"] = "gzip"
        stream = Compressed(stream, call.hub.changes.compressor)
    return StreamingResponse(stream, media_type=_SSE, headers=headers)


def _beats_since(call: Call) -> float | None:
    """Return the time of `beats` in the query (epoch seconds, 0: from now on); `None` when it is not asked for."""
    text = call.request.query_params.get("beats")
    if text is None:
        return None
    complete = integer(text.partition(".")[0])
    if complete is None:
        raise bad_request("The value of 'beats' is not a number of seconds.")
    return float(complete)


async def describe(call: Call) -> Response:
    """Return the OpenAPI description of what this hub offers."""
    return call.json(await call.hub.part(Description).text())


async def service_version(call: Call) -> Response:
    """Report the agent version that goes with this hub (`v1ServiceVersion`)."""
    name = call.params["serviceName"]
    if name not in ("stylus", "edgewright-agent"):
        raise not_found("service", name)
    content = f"version: {edgewright.__version__}\n"
    return call.json(
        {
            "apiVersion": "v1",
            "kind": "ServiceVersion",
            "metadata": {"name": name},
            "spec": {"name": name, "latestVersion": {"name": "version.yaml", "content": content}},
        }
    )


ROUTES = (
    Route("GET", PING, Access.OPEN, ping),
    Route("GET", READY, Access.OPEN, ready),
    Route("GET", protocol.FEATURES, Access.OPEN, features, returns=shapes.FEATURES),
    Route("GET", protocol.HUB_STATUS, Access.READ, status, On.TENANT, returns=shapes.STATUS),
    Route(
        "GET",
        protocol.CHANGES,
        Access.READ,
        changes,
        query=_SINCE,
        headers=(protocol.H_LAST_EVENT,),
        returns=shapes.STREAM,
        media=_SSE,
    ),
    Route("GET", protocol.OPENAPI, Access.READ, describe, returns=shapes.OPENAPI),
    Route("GET", SERVICE_VERSION, Access.ANY_HOST_OR_READ, service_version),
)
