"""Helm repositories over the API (Palette's `/v1/registries/helm`)."""

from __future__ import annotations

from starlette.responses import Response

from edgewright.hub.http.palette_bodies import registries as palette
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.packs import registry_documents as documents
from edgewright.hub.packs.tables import HELM
from edgewright.hub.resources.registries import handling
from edgewright.wire import protocol


async def listing(call: Call) -> Response:
    """List the Helm registries in full (`v1HelmRegistries`), paged."""
    items = [documents.complete(record, handling.busy(call, record.uid)) for record in handling.in_order(call, HELM)]
    return handling.page(call, items, call.choice("scope"), call.request.query_params.get("filters", ""))


async def summary(call: Call) -> Response:
    """List the Helm registries (`v1HelmRegistriesSummary`), paged."""
    items = [documents.summary(record, handling.busy(call, record.uid)) for record in handling.in_order(call, HELM)]
    return handling.page(call, items, call.choice("scope"), call.request.query_params.get("filters", ""))


async def create(call: Call) -> Response:
    """Add a Helm registry (`v1HelmRegistryEntity`); it is read at once unless `createOption.skipSync` is set."""
    body = await call.body()
    option = (body.get("spec") or {}).get("createOption") or {}
    return await handling.create(call, HELM, body, bool(option.get("skipSync")))


async def validate(call: Call) -> Response:
    """Try a Helm registry without storing it: 204, or why it does not answer."""
    return await handling.validate(call, HELM, await call.body())


async def get(call: Call) -> Response:
    """Return a Helm registry (`v1HelmRegistry`), its secrets masked."""
    return handling.complete(call, HELM)


async def update(call: Call) -> Response:
    """Replace address and login of a Helm registry; a masked secret stays."""
    return await handling.update(call, HELM, await call.body())


async def delete(call: Call) -> Response:
    """Remove a Helm registry and the packs that were fetched from it."""
    return await handling.delete(call, HELM)


async def start_sync(call: Call) -> Response:
    """Read a Helm registry again, beside the request."""
    return await handling.start_sync(call, HELM)


async def status(call: Call) -> Response:
    """Return how the last look at a Helm registry ended (`v1RegistrySyncStatus`)."""
    return handling.state(call, HELM)


_WRITE, _READ, _TENANT = Access.WRITE, Access.READ, On.TENANT
ROUTES = (
    Route("GET", protocol.HELM_REGISTRIES, _READ, listing, query=handling.PAGED),
    Route("GET", protocol.HELM_REGISTRIES_SUMMARY, _READ, summary, query=handling.PAGED),
    Route("POST", protocol.HELM_REGISTRIES, _WRITE, create, _TENANT, body=palette.HELM_REGISTRY_ENTITY),
    Route("POST", protocol.HELM_REGISTRIES_VALIDATE, _WRITE, validate, _TENANT, body=palette.HELM_REGISTRY_SPEC),
    Route("GET", protocol.HELM_REGISTRY, _READ, get),
    Route("PUT", protocol.HELM_REGISTRY, _WRITE, update, _TENANT, body=palette.HELM_REGISTRY),
    Route("DELETE", protocol.HELM_REGISTRY, _WRITE, delete, _TENANT),
    Route("POST", protocol.HELM_REGISTRY_SYNC, _WRITE, start_sync, _TENANT, query=handling.SYNC),
    Route("GET", protocol.HELM_REGISTRY_STATUS, _READ, status),
)
