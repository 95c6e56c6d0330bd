"""Blobs, as the hub knows them."""

from __future__ import annotations

from edgewright.hub.readmodel.blob_names import BlobNames
from edgewright.hub.readmodel.blob_store import BlobStore
from edgewright.hub.resource import Resource
from edgewright.hub.resources.blobs import retention, routes, store, tables
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _parts(_hub: Services) -> tuple[object, ...]:
    return (BlobNames(), BlobStore(store.put_all, store.read_all, store.has))


RESOURCE = Resource(
    "blob",
    routes=routes.ROUTES,
    tables=(tables.blobs, tables.blob_pieces),
    parts=_parts,
    prune=retention.prune,
    own_paths=(protocol.BLOBS,),
)
