"""Finding hosts: the dashboard search with its filter grammar, the quick lists, and every tag in use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from edgewright.core import search as rules
from edgewright.hub import bodies
from edgewright.hub import search as finding
from edgewright.hub.routes_projects import matches_name
from edgewright.hub.routing import Access, Call, Route
from edgewright.wire import listmeta, protocol

if TYPE_CHECKING:
    from starlette.responses import Response

RENDERED_AT_ONCE = 50
"""Documents made in one go before other requests get their turn."""


async def _documents(call: Call, uids: Iterable[str]) -> list[msgspec.Raw]:
    """Return the encoded documents of hosts, without those that are gone meanwhile."""
    made: list[msgspec.Raw] = []
    hub = call.hub
    for number, uid in enumerate(uids, 1):
        if number % RENDERED_AT_ONCE == 0:
            await asyncio.sleep(0)
        entry = hub.state.hosts.get(uid)
        if entry is not None:
            made.append(msgspec.Raw(msgspec.json.encode(hub.renderer.summary(entry, call.now))))
    return made


async def search(call: Call) -> Response:
    """Return a page of hosts that pass a `v1SearchFilterSummarySpec`."""
    spec = await call.body(bodies.SEARCH)
    asked, limit = call.page()
    result, start = await call.hub.finder.page(call.project, spec, call.now, asked, call.cursor())
    page, count = result.uids[start : start + limit], len(result.uids)
    items = await _documents(call, page)
    token = finding.cursor(result, start + len(page)) if page else ""
    return call.json({"items": items, "listmeta": listmeta.block(start, len(page), count, limit, token)})


async def search_schema(call: Call) -> Response:
    """Return the properties that the search knows."""
    return call.json(rules.schema_document())


async def quick(call: Call) -> Response:
    """List hosts in short form (`v1EdgeHostsMeta`); `quickFilter=unusedEdgeHosts` leaves out those in use."""
    unused = call.request.query_params.get("quickFilter") == "unusedEdgeHosts"
    kind = call.request.query_params.get("type")
    view = finding.View(call.hub.renderer, call.now)
    items = []
    for entry in call.hub.finder.ordered(call.project):
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
    """List hosts by name and state (`v1EdgeHostsMetadataSummary`), unpaged as in Palette."""
    body = await call.body(bodies.NAME_FILTER)
    wanted = body.get("filter") or {}
    states, rule = wanted.get("states") or [], wanted.get("name") or {}
    view = finding.View(call.hub.renderer, call.now)
    found = [
        entry
        for entry in call.hub.finder.ordered(call.project)
        if (not states or entry.record.state in states) and matches_name(entry.facts.name, rule)
    ]
    for sort in reversed(body.get("sort") or []):
        if (field := sort.get("field")) in rules.SORT_FIELDS:
            found = await finding.ordered_by(found, [(field, sort.get("order") == "desc")], view)
    return call.json({"items": await _documents(call, [entry.record.uid for entry in found])})


async def tags(call: Call) -> Response:
    """List every tag in use."""
    found: set[str] = set()
    for entry in call.hub.finder.ordered(call.project):
        found.update(entry.facts.tags)
    return call.json({"tags": sorted(found)})


ROUTES = (
    Route("POST", protocol.HOSTS_SEARCH, Access.READ, search),
    Route("GET", protocol.HOSTS_SEARCH_SCHEMA, Access.READ, search_schema),
    Route("GET", protocol.HOSTS_METADATA, Access.READ, quick),
    Route("POST", protocol.APPLIANCES_METADATA, Access.READ, appliances),
    Route("GET", protocol.HOSTS_TAGS, Access.READ, tags),
)
