"""OCI registries over the API (Palette's `/v1/registries/oci`)."""

from __future__ import annotations

from starlette.responses import Response

from edgewright.hub.http import shapes
from edgewright.hub.http.palette_bodies import registries as palette
from edgewright.hub.http.routing import Access, Call, On, Route
from edgewright.hub.packs import registry_documents as documents
from edgewright.hub.packs.tables import OCI
from edgewright.hub.resources.registries import handling
from edgewright.wire import protocol


async def summary(call: Call) -> Response:
    """List the OCI registries (`v1OciRegistries`); not paged."""
    items = [documents.summary(record, handling.busy(call, record.uid)) for record in handling.in_order(call, OCI)]
    return call.json({"items": items})


async def create(call: Call) -> Response:
    """Add an OCI registry (`v1BasicOciRegistry`); it is read at once unless `skipPackSync` is set."""
    skip = call.request.query_params.get("skipPackSync", "") == "true"
    return await handling.create(call, OCI, await call.body(), skip)


async def validate(call: Call) -> Response:
    """Try an OCI registry without storing it: 204, or why it does not answer."""
    return await handling.validate(call, OCI, await call.body())


async def get_short(call: Call) -> Response:
    """Return address and login of an OCI registry (`v1OciRegistryEntity`), its secrets masked."""
    shown = documents.spec(handling.get(call, OCI))
    provider = shown.get("providerType") or "pack"
    content = {"auth": shown["auth"], "endpoint": shown["endpoint"], "providerType": provider}
    return call.json({**content, "scope": documents.TENANT, "type": "basic", "defaultRegion": ""})


async def get(call: Call) -> Response:
    """Return an OCI registry (`v1BasicOciRegistry`), its secrets masked."""
    return handling.complete(call, OCI)


async def update(call: Call) -> Response:
    """Replace address and login of an OCI registry; a masked secret stays."""
    return await handling.update(call, OCI, await call.body())


async def delete(call: Call) -> Response:
    """Remove an OCI registry and the packs that were fetched from it."""
    return await handling.delete(call, OCI)


async def start_sync(call: Call) -> Response:
    """Read an OCI registry again, beside the request."""
    return await handling.start_sync(call, OCI)


async def status(call: Call) -> Response:
    """Return how the last look at an OCI registry ended (`v1RegistrySyncStatus`)."""
    return handling.state(call, OCI)


_WRITE, _READ, _TENANT = Access.WRITE, Access.READ, On.TENANT
_SKIP = {"skipPackSync": shapes.text(8)}
ROUTES = (
    Route("GET", protocol.OCI_REGISTRIES_SUMMARY, _READ, summary),
    Route("POST", protocol.OCI_REGISTRIES, _WRITE, create, _TENANT, body=palette.BASIC_OCI_REGISTRY, query=_SKIP),
    Route("POST", protocol.OCI_REGISTRIES_VALIDATE, _WRITE, validate, _TENANT, body=palette.BASIC_OCI_REGISTRY_SPEC),
    Route("GET", protocol.OCI_REGISTRY_SHORT, _READ, get_short),
    Route("GET", protocol.OCI_REGISTRY, _READ, get),
    Route("PUT", protocol.OCI_REGISTRY, _WRITE, update, _TENANT, body=palette.BASIC_OCI_REGISTRY),
    Route("DELETE", protocol.OCI_REGISTRY, _WRITE, delete, _TENANT),
    Route("POST", protocol.OCI_REGISTRY_SYNC, _WRITE, start_sync, _TENANT, query=handling.SYNC),
    Route("GET", protocol.OCI_REGISTRY_STATUS, _READ, status),
)
