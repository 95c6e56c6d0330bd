"""Registries, as the hub knows them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from edgewright.hub.packs import registry_documents, tables
from edgewright.hub.packs.fetcher import Fetcher
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.packs.tables import RegistryRecord
from edgewright.hub.readmodel.memory import Follow
from edgewright.hub.readmodel.memory import rows as loader
from edgewright.hub.readmodel.state import State
from edgewright.hub.resource import Resource
from edgewright.hub.resources.registries import routes
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _load(connection: Connection, state: State) -> None:
    rows = connection.execute(select(tables.registries))
    state.loaded[RegistryRecord] = [RegistryRecord(**row._mapping) for row in rows]


def _follows(hub: Services) -> tuple[Follow, ...]:
    index = hub.part(PackIndex)
    load = loader(tables.registries, RegistryRecord)
    return (Follow(RegistryRecord, "registry", index.put_registry, index.drop_registry, load),)


def _document(hub: Services, uid: str) -> dict[str, Any] | None:
    index = hub.part(PackIndex)
    record = index.registries.get(uid)
    busy = uid in hub.part(Fetcher).syncing
    return None if record is None else registry_documents.row(record, index, busy)


RESOURCE = Resource(
    "registry",
    routes=routes.ROUTES,
    tables=(tables.registries,),
    load=_load,
    follows=_follows,
    render={"registry": _document},
    tenant_kinds=frozenset({"registry"}),
    own_paths=(protocol.REGISTRIES,),
)
