"""Finding hosts: the dashboard search with its filter grammar, the quick lists, and every tag in use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import StreamingResponse

from edgewright.core.search import search as rules
from edgewright.hub.http import bodies
from edgewright.hub.http.filter_text import order, passes
from edgewright.hub.http.listing import PAGE_BYTES
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.http.shapes import text
from edgewright.hub.readmodel import search as finding
from edgewright.hub.readmodel.pace import Pace
from edgewright.hub.readmodel.view import View
from edgewright.hub.resources.hosts import shapes
from edgewright.wire import protocol
from edgewright.wire.palette import listmeta

if TYPE_CHECKING:
    from starlette.responses import Response

_PIECE = 256 * 1024
"""Bytes of a streamed list that are handed on at a time."""


async def _page(call: Call, uids: Iterable[str]) -> tuple[list[msgspec.Raw], int]:
    """Return the encoded documents of hosts, without those deleted meanwhile, and how many uids they account for."""
    made: list[msgspec.Raw] = []
    done = size = 0
    async with call.pace() as pace:
        for uid in uids:
            entry = call.hub.state.hosts.get(uid)
            if entry is not None:
                document = msgspec.json.encode(call.hub.renderer.summary(entry, call.now))
                size += len(document)
                if made and size > PAGE_BYTES:
                    break
                made.append(msgspec.Raw(document))
            done += 1
            if pace.due:
                await pace.rest()
    return made, done


async def search(call: Call) -> Response:
    """Return a page of hosts that pass a `v1SearchFilterSummarySpec`."""
    spec = await call.body()
    asked, limit = call.page(strict=True)
    result, start = await call.hub.finder.page(call.scope, spec, call.now, asked, call.cursor(), call.pace())
    items, delivered = await _page(call, result.uids_of(start, start + limit))
    token = finding.cursor(result, start + delivered) if delivered else ""
    return call.json({"items": items, "listmeta": listmeta.block(start, delivered, len(result.matches), limit, token)})


async def search_schema(call: Call) -> Response:
    """Return the properties that the search knows."""
    return call.json(rules.schema_document())


_QUICK = {"quickFilter": text(32, "unusedEdgeHosts"), "type": text(32, *protocol.HOST_KINDS)}


async def quick(call: Call) -> Response:
    """List hosts in short form (`v1EdgeHostsMeta`); `quickFilter=unusedEdgeHosts` leaves out those in use."""
    unused = call.choice("quickFilter") != ""
    kind = call.choice("type")
    view = View(call.hub.renderer, call.now)
    items = []
    async with call.pace() as pace:
        for entry in call.hub.finder.ordered(call.scope):
            if pace.due:
                await pace.rest()
            facts = entry.facts
            if (unused and entry.record.state == "in-use") or (kind and facts.kind != kind):
                continue
            view.entry = entry
            health = view.health()
            items.append(
                {
                    "uid": entry.record.uid,
                    "name": facts.name,
                    "state": entry.record.state,
                    "healthState": "" if health == "unknown" else health,
                    "archType": facts.architecture or "amd64",
                    "edgeHostType": facts.kind,
                }
            )
    return call.json({"edgeHosts": items})


async def appliances(call: Call) -> Response:
    """List hosts by name and state (`v1EdgeHostsMetadataSummary`), unpaged as in Palette, so sent as it is made."""
    body = await call.body()
    wanted = body.get("filter") or {}
    states, rule = wanted.get("states") or [], wanted.get("name") or {}
    view = View(call.hub.renderer, call.now)
    matches = []
    async with call.pace() as pace:
        for entry in call.hub.finder.ordered(call.scope):
            if (not states or entry.record.state in states) and passes(entry.facts.name, rule):
                matches.append(entry)
            if pace.due:
                await pace.rest()
        for field, descending in order(body, ""):
            if field in rules.SORT_FIELDS:
                matches = await finding.ordered_by(matches, [(field, descending)], view, pace)
    documents = _streamed(call, [entry.record.uid for entry in matches], Pace(call.hub.turns, call.caller))
    return StreamingResponse(documents, media_type="application/json", headers={"Cache-Control": "no-store"})


async def _streamed(call: Call, uids: Iterable[str], pace: Pace) -> AsyncIterator[bytes]:
    """Yield `{"items": [...]}` piece by piece; the turn is given back while a piece is sent."""
    piece, between = bytearray(b'{"items":['), b""
    waiting = iter(uids)
    more = True
    while more:
        async with pace:
            while not pace.due and len(piece) < _PIECE:
                uid = next(waiting, None)
                if uid is None:
                    more = False
                    break
                entry = call.hub.state.hosts.get(uid)
                if entry is not None:
                    piece += between + msgspec.json.encode(call.hub.renderer.summary(entry, call.now))
                    between = b","
        if not more:
            piece += b"]}"
        yield bytes(piece)
        await asyncio.sleep(0)
        piece.clear()


async def tags(call: Call) -> Response:
    """List every tag in use."""
    matches: set[str] = set()
    async with call.pace() as pace:
        for entry in call.hub.finder.ordered(call.scope):
            matches.update(entry.facts.tags)
            if pace.due:
                await pace.rest()
    return call.json({"tags": sorted(matches)})


ROUTES = (
    Route(
        "POST",
        protocol.HOSTS_SEARCH,
        Access.READ,
        search,
        body=shapes.SEARCH,
        query=bodies.PAGE,
        headers=(protocol.H_PAGE_LIMIT,),
    ),
    Route("GET", protocol.HOSTS_SEARCH_SCHEMA, Access.READ, search_schema),
    Route("GET", protocol.HOSTS_METADATA, Access.READ, quick, query=_QUICK),
    Route("POST", protocol.APPLIANCES_METADATA, Access.READ, appliances, body=shapes.HOSTS_FILTER),
    Route("GET", protocol.HOSTS_TAGS, Access.READ, tags),
)
