"""Packs, as the hub knows them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from edgewright.hub.packs import pack_documents, tables
from edgewright.hub.packs.fetcher import Fetcher
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.packs.tables import PackRecord, RegistryRecord
from edgewright.hub.readmodel.blob_names import BlobNames
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.resource import Resource
from edgewright.hub.resources.packs import routes
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _load(connection: Connection, state: State) -> None:
    state.loaded[PackRecord] = [PackRecord(**row._mapping) for row in connection.execute(select(tables.packs))]


def _parts(hub: Services) -> tuple[object, ...]:
    loaded = hub.state.loaded
    return (PackIndex(loaded.pop(RegistryRecord, []), loaded.pop(PackRecord, [])), Fetcher())


def _follows(hub: Services) -> tuple[Follow, ...]:
    index = hub.part(PackIndex)
    return (Follow(PackRecord, "pack", index.put_pack, index.drop_pack, rows(tables.packs, PackRecord)),)


def _document(hub: Services, uid: str) -> dict[str, Any] | None:
    """Return a pack for readers of the change stream, without its values: those are read when they are shown."""
    index = hub.part(PackIndex)
    view = index.views.get(uid)
    return None if view is None else pack_documents.summary(view, "", index.registry_name(view.registry_uid))


def _begin(hub: Services) -> None:
    index = hub.part(PackIndex)
    hub.part(BlobNames).register(lambda _host: (), lambda: (("", digest) for digest in index.digests()))


RESOURCE = Resource(
    "pack",
    routes=routes.ROUTES,
    tables=(tables.packs, tables.pack_texts),
    load=_load,
    parts=_parts,
    follows=_follows,
    render={"pack": _document},
    tenant_kinds=frozenset({"pack"}),
    begin=_begin,
    own_paths=(protocol.OWN_PACKS,),
)
