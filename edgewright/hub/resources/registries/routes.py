"""Registries of all kinds over the API, and the registries of the hub's own."""

from __future__ import annotations

from starlette.responses import Response

from edgewright.hub.http import bodies, shapes
from edgewright.hub.http.problems import not_found
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.packs import registry_documents as documents
from edgewright.hub.packs.index import OWN, PackIndex
from edgewright.hub.resources.registries import handling, helm, oci
from edgewright.wire import protocol


async def metadata(call: Call) -> Response:
    """List name, kind and scope of all registries (`v1RegistriesMetadata`); not paged."""
    every = [documents.metadata_item(record) for record in handling.in_order(call)]
    scope = call.choice("scope")
    items = [item for item in [*map(documents.own_metadata, OWN), *every] if scope in ("", "all", item["scope"])]
    return call.json({"items": items})


async def pack_listing(call: Call) -> Response:
    """List the pack registries in full (`v1PackRegistries`): the catalogue and the imported packs."""
    filters = call.request.query_params.get("filters", "")
    return handling.page(call, [documents.own(uid, True) for uid in OWN], call.choice("scope"), filters)


async def pack_summary(call: Call) -> Response:
    """List the pack registries (`v1PackRegistriesSummary`): the catalogue and the imported packs."""
    filters = call.request.query_params.get("filters", "")
    return handling.page(call, [documents.own(uid, False) for uid in OWN], call.choice("scope"), filters)


async def pack_get(call: Call) -> Response:
    """Return a registry of the hub's own (`v1PackRegistry`)."""
    if call.uid not in OWN:
        raise not_found(handling.KIND, call.uid)
    return call.json(documents.own(call.uid, True))


async def pack_status(call: Call) -> Response:
    """Return that a registry of the hub's own needs no look (`v1RegistrySyncStatus`)."""
    if call.uid not in OWN:
        raise not_found(handling.KIND, call.uid)
    return call.json(documents.own(call.uid, False)["status"]["sync"])


async def delete(call: Call) -> Response:
    """Remove a registry of any kind and the packs that were fetched from it."""
    return await handling.delete(call)


async def rows(call: Call) -> Response:
    """List the registries of all kinds in one form, the hub's own first."""
    index = call.hub.part(PackIndex)
    every = [documents.row(record, index, handling.busy(call, record.uid)) for record in handling.in_order(call)]
    return call.json({"items": [*(documents.own_row(uid, index) for uid in OWN), *every]})


async def row(call: Call) -> Response:
    """Return a registry of any kind in that form."""
    index = call.hub.part(PackIndex)
    if call.uid in OWN:
        return call.json(documents.own_row(call.uid, index))
    record = handling.get(call)
    return call.json(documents.row(record, index, handling.busy(call, record.uid)))


_STATE = shapes.obj(
    isSyncSupported=shapes.FLAG,
    status=shapes.text(16),
    message=shapes.text(),
    lastRunTime=shapes.WHEN,
    lastSyncedTime=shapes.WHEN,
)
_ROW = shapes.obj(
    metadata=shapes.obj(
        uid=bodies.NAME,
        name=bodies.NAME,
        labels=shapes.LABELS,
        annotations=shapes.ANNOTATIONS,
        creationTimestamp=shapes.WHEN,
        lastModifiedTimestamp=shapes.WHEN,
    ),
    spec=shapes.obj(
        kind=shapes.text(8, "helm", "oci", "pack"),
        endpoint=shapes.text(),
        authType=shapes.text(16),
        username=shapes.text(),
        hasCa=shapes.FLAG,
        allowPrivate=shapes.FLAG,
    ),
    status=shapes.obj(sync=_STATE, packs=shapes.INTEGER),
)
_READ = Access.READ
ROUTES = (
    Route("GET", protocol.REGISTRIES_METADATA, _READ, metadata, query={"scope": handling.SCOPES}),
    *helm.ROUTES,
    *oci.ROUTES,
    Route("GET", protocol.PACK_REGISTRIES, _READ, pack_listing, query=handling.PAGED),
    Route("GET", protocol.PACK_REGISTRIES_SUMMARY, _READ, pack_summary, query=handling.PAGED),
    Route("GET", protocol.PACK_REGISTRY, _READ, pack_get),
    Route("GET", protocol.PACK_REGISTRY_STATUS, _READ, pack_status),
    Route("DELETE", protocol.PALETTE_REGISTRY, Access.WRITE, delete, On.TENANT),
    Route("GET", protocol.REGISTRIES, _READ, rows, returns=shapes.obj(items=shapes.many(_ROW))),
    Route("GET", protocol.REGISTRY, _READ, row, returns=_ROW),
)
