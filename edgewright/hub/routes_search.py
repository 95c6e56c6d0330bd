"""Finding hosts: the dashboard search with its filter grammar, the quick lists, and every tag in use."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from edgewright.core import search as rules
from edgewright.core.tags import labels_to_tags
from edgewright.hub import bodies, problems
from edgewright.hub.records import HostEntry, dump
from edgewright.hub.routes_projects import matches_name
from edgewright.hub.routing import Access, Call, Route
from edgewright.wire import listmeta, protocol

if TYPE_CHECKING:
    from starlette.responses import Response

_KEPT = 32


class SearchCache:
    """Orders found hosts once for a run of pages; a page of a kept result costs no second search."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[float, list[str]]] = OrderedDict()

    def get(self, key: tuple[str, str], now: float, first: bool) -> list[str] | None:
        """Return the uids of a result younger than ten seconds; the first page always searches anew."""
        held = self._kept.get(key)
        return None if held is None or first or now - held[0] > 10 else held[1]

    def put(self, key: tuple[str, str], now: float, uids: list[str]) -> None:
        """Keep a result."""
        self._kept[key] = (now, uids)
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _scoped(call: Call) -> list[HostEntry]:
    hosts = call.hub.state.hosts.values()
    return [entry for entry in hosts if not call.project or entry.record.project_uid == call.project]


def _find(call: Call, spec: dict[str, Any]) -> list[str]:
    """Return the uids of what passes, in order; slow parts are one judgement and one look at each document."""
    entries = _scoped(call)
    for problem in rules.validate(spec):
        raise problems.invalid(problem.code, problem.message)
    fields = rules.sort_fields(spec) or [("name", False)]
    if not (spec.get("filter") or {}).get("filterGroups") and fields == [("name", False)]:
        return sorted(entry.record.uid for entry in entries)
    passes = rules.compile_search(spec)
    rows = []
    for entry in entries:
        values = rules.host_values(call.hub.renderer.summary(entry, call.now))
        if passes(values):
            rows.append(values)
    ordered = rules.order(rows, fields, lambda row, field: row(field))
    return [str(row("uid")) for row in ordered]


async def search(call: Call) -> Response:
    """Return a page of hosts that pass a `v1SearchFilterSummarySpec`."""
    spec = await call.body(bodies.SEARCH)
    offset, limit = call.page()
    cache = call.hub.searches
    key = (call.project, dump(spec))
    uids = cache.get(key, call.now, first=offset == 0)
    if uids is None:
        uids = _find(call, spec)
        cache.put(key, call.now, uids)
    page = uids[offset : offset + limit]
    found = [entry for uid in page if (entry := call.hub.state.hosts.get(uid)) is not None]
    items = [call.hub.renderer.summary(entry, call.now) for entry in found]
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(page), len(uids), limit)})


async def search_schema(call: Call) -> Response:
    """Return the properties that the search knows."""
    return call.json(rules.schema_document())


async def quick(call: Call) -> Response:
    """List hosts in short form (`v1EdgeHostsMeta`); `quickFilter=unusedEdgeHosts` leaves out those in use."""
    unused = call.request.query_params.get("quickFilter") == "unusedEdgeHosts"
    kind = call.request.query_params.get("type")
    items = []
    for entry in sorted(_scoped(call), key=lambda entry: entry.record.uid):
        if unused and entry.record.state == "in-use":
            continue
        document = call.hub.renderer.summary(entry, call.now)
        if kind and document["spec"].get("type") != kind:
            continue
        items.append(
            {
                "uid": entry.record.uid,
                "name": document["metadata"]["name"],
                "state": entry.record.state,
                "healthState": document["status"]["health"].get("state", ""),
                "archType": document["spec"]["device"].get("archType") or "amd64",
                "edgeHostType": document["spec"].get("type") or "edge-native",
            }
        )
    return call.json({"edgeHosts": items})


async def appliances(call: Call) -> Response:
    """List hosts by name and state (`v1EdgeHostsMetadataSummary`), unpaged as in Palette."""
    body = await call.body(bodies.NAME_FILTER)
    wanted = body.get("filter") or {}
    states, rule = wanted.get("states") or [], wanted.get("name") or {}
    found = []
    for entry in _scoped(call):
        document = call.hub.renderer.summary(entry, call.now)
        if (not states or entry.record.state in states) and matches_name(document["metadata"]["name"], rule):
            found.append(document)
    found.sort(key=lambda document: str(document["metadata"]["name"]))
    for sort in reversed(body.get("sort") or []):
        found.sort(key=lambda one, by=sort: _sort_key(one, by.get("field")), reverse=sort.get("order") == "desc")  # type: ignore[misc]
    return call.json({"items": found})


def _sort_key(document: dict[str, Any], field: object) -> str:
    if field == "state":
        return str(document["status"]["state"])
    if field == "healthState":
        return str(document["status"]["health"].get("state", ""))
    if field in ("creationTimestamp", "lastModifiedTimestamp"):
        return str(document["metadata"][field])
    return str(document["metadata"]["name"])


async def tags(call: Call) -> Response:
    """List every tag in use."""
    found: set[str] = set()
    for entry in _scoped(call):
        found.update(labels_to_tags((entry.document().get("metadata") or {}).get("labels") or {}))
    return call.json({"tags": sorted(found)})


ROUTES = (
    Route("POST", protocol.HOSTS_SEARCH, Access.READ, search),
    Route("GET", protocol.HOSTS_SEARCH_SCHEMA, Access.READ, search_schema),
    Route("GET", protocol.HOSTS_METADATA, Access.READ, quick),
    Route("POST", protocol.APPLIANCES_METADATA, Access.READ, appliances),
    Route("GET", protocol.HOSTS_TAGS, Access.READ, tags),
)
