"""Cluster profiles and macros, as the hub knows them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from edgewright.hub.profiles import documents, tables
from edgewright.hub.profiles.index import MacroIndex, ProfileIndex, ProfileUses
from edgewright.hub.profiles.tables import MacroRecord, ProfileRecord
from edgewright.hub.profiles.work import ProfileWork
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.readmodel.state import State
from edgewright.hub.resource import Resource
from edgewright.hub.resources.profiles import apply, dashboard, definition, exchange, images, macros, packs, routes
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _load(connection: Connection, state: State) -> None:
    results = connection.execute(select(tables.profiles))
    state.loaded[ProfileRecord] = [ProfileRecord(**row._mapping) for row in results]
    state.loaded[MacroRecord] = [MacroRecord(**row._mapping) for row in connection.execute(select(tables.macros))]


def _parts(hub: Services) -> tuple[object, ...]:
    loaded = hub.state.loaded
    profiles = ProfileIndex(loaded.pop(ProfileRecord, []))
    return (profiles, MacroIndex(loaded.pop(MacroRecord, [])), ProfileUses(), ProfileWork())


def _project(record: ProfileRecord) -> str:
    return record.project_uid


def _project_of_macro(record: MacroRecord) -> str:
    return record.project_uid


def _follows(hub: Services) -> tuple[Follow, ...]:
    index, known = hub.part(ProfileIndex), hub.part(MacroIndex)
    profiles, macros_ = rows(tables.profiles, ProfileRecord), rows(tables.macros, MacroRecord)
    return (
        Follow(ProfileRecord, "profile", index.put, index.drop, profiles, project=_project),
        Follow(MacroRecord, "macro", known.put, known.drop, macros_, project=_project_of_macro),
    )


def _document(hub: Services, uid: str) -> dict[str, Any] | None:
    record = hub.part(ProfileIndex).by_uid.get(uid)
    return None if record is None else documents.summary(hub, record)


def _macro(hub: Services, uid: str) -> dict[str, Any] | None:
    record = hub.part(MacroIndex).by_uid.get(uid)
    return None if record is None else macros.entry(record)


RESOURCE = Resource(
    "profile",
    routes=(
        *routes.ROUTES,
        *packs.ROUTES,
        *exchange.ROUTES,
        *definition.ROUTES,
        *dashboard.ROUTES,
        *apply.ROUTES,
        *images.ROUTES,
        *macros.ROUTES,
    ),
    tables=(tables.profiles, tables.profile_texts, tables.macros),
    load=_load,
    parts=_parts,
    follows=_follows,
    render={"profile": _document, "macro": _macro},
    own_paths=(protocol.OWN_MACROS, protocol.OWN_PROFILES),
)
