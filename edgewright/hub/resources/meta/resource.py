"""What the hub reports about itself: status, features, changes, description."""

from __future__ import annotations

from edgewright.hub.db import schema
from edgewright.hub.db.records import SettingRecord
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.resource import Resource
from edgewright.hub.resources.meta import monitoring, routes
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _follows(hub: Services) -> tuple[Follow, ...]:
    def drop(key: str) -> None:
        hub.state.settings.pop(key, None)

    load = rows(schema.settings, SettingRecord, "key")
    return (Follow(SettingRecord, "setting", hub.state.put_setting, drop, load, kind="", uid=_key),)


def _key(record: SettingRecord) -> str:
    return record.key


RESOURCE = Resource(
    "hub",
    routes=(*routes.ROUTES, *monitoring.ROUTES),
    parts=monitoring.parts,
    follows=_follows,
    own_paths=(
        protocol.FEATURES,
        protocol.CHANGES,
        protocol.HUB_STATUS,
        protocol.OPENAPI,
        monitoring.HEALTHZ,
        monitoring.READYZ,
        monitoring.METRICS,
    ),
    open_paths=frozenset({protocol.FEATURES, *routes.OPEN_PATHS, monitoring.HEALTHZ, monitoring.READYZ}),
)
