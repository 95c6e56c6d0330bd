"""Clusters as the dashboard lists them: the search, the quick lists, the overview."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from edgewright.hub.clusters import documents, search, status
from edgewright.hub.clusters.index import Cluster, ClusterIndex
from edgewright.hub.clusters.tables import DELETED_PHASE
from edgewright.hub.http import bodies, shapes
from edgewright.hub.http.filter_text import passes
from edgewright.hub.http.palette_bodies import clustersearch as palette
from edgewright.hub.http.routing import Access, Call, Route
from edgewright.hub.resources.clusters import access, assets
from edgewright.wire.palette import listmeta
from edgewright.wire.protocol import clusters as wire

Json = dict[str, Any]


def _visible(call: Call) -> list[Cluster]:
    return [item for item in list(call.hub.part(ClusterIndex).by_uid.values()) if access.visible(call, item)]


async def find(call: Call) -> Response:
    """Return a page of the clusters that pass a `v1SearchFilterSummarySpec`."""
    wanted = search.Search(await call.body())
    offset, limit = call.page()
    matches = []
    async with call.pace() as pace:
        for item in _visible(call):
            row = search.Row(call.hub, item, call.now)
            if wanted.matches(row):
                wanted.prepare(row)
                matches.append(row)
            if pace.due:
                await pace.rest()
        page = wanted.ordered(matches)[offset : offset + limit]
        items = []
        for row in page:
            items.append(documents.summary(call.hub, row.item, call.now))
            if pace.due:
                await pace.rest()
    return call.json({"items": items, "listmeta": listmeta.block(offset, len(page), len(matches), limit)})


async def find_schema(call: Call) -> Response:
    """Return the properties that the search knows."""
    return call.json(search.schema())


def _alive(call: Call) -> list[Cluster]:
    items = [item for item in _visible(call) if item.record.phase != DELETED_PHASE]
    return sorted(items, key=lambda item: (item.record.name.casefold(), item.uid))


async def names(call: Call) -> Response:
    """Return the metadata of the clusters (`v1SpectroClustersMetadata`)."""
    call.choice("quickFilter")
    return call.json({"items": [documents.metadata(item) for item in _alive(call)]})


async def find_names(call: Call) -> Response:
    """Return the metadata of the clusters that pass a filter of name and state."""
    wanted = (await call.body()).get("filter") or {}
    items = []
    async with call.pace() as pace:
        for item in _alive(call):
            if pace.due:
                await pace.rest()
            if not passes(item.record.name, wanted.get("name") or {}):
                continue
            if wanted.get("environment") and wanted["environment"] != wire.CLOUD_TYPE:
                continue
            if not wanted.get("state") or wanted["state"] == status.state(item, status.members(call.hub, item)):
                items.append(documents.metadata(item))
    return call.json({"items": items})


async def meta(call: Call) -> Response:
    """Return name, type and state of the clusters (`v1SpectroClustersMeta`)."""
    rows = []
    async with call.pace() as pace:
        for item in _alive(call):
            state = status.state(item, status.members(call.hub, item))
            spec = {"cloudType": wire.CLOUD_TYPE, "projectUid": item.record.project_uid}
            rows.append({"metadata": documents.metadata(item), "spec": spec, "status": {"state": state}})
            if pace.due:
                await pace.rest()
    return call.json(rows)


async def summary(call: Call) -> Response:
    """Return one cluster with its health."""
    item = access.find(call)
    return call.json(documents.overview(call.hub, item, await assets.has(call, item), call.now))


_QUICK = {"quickFilter": shapes.text(32, "hostclusters", "strictHostclusters", "hypershiftClusters")}
ROUTES = (
    Route(
        "POST", wire.SEARCH, Access.READ, find, body=palette.SEARCH_FILTER_SUMMARY_SPEC, query=bodies.PAGE
    ),
    Route("GET", wire.SEARCH_SCHEMA, Access.READ, find_schema),
    Route("GET", wire.NAMES, Access.READ, names, query=_QUICK),
    Route("POST", wire.NAMES, Access.READ, find_names, body=palette.SPECTRO_CLUSTER_METADATA_SPEC),
    Route("GET", wire.META, Access.READ, meta),
    Route("GET", wire.SUMMARY, Access.READ, summary),
    Route("GET", wire.OVERVIEW, Access.READ, summary),
)  # fmt: skip
