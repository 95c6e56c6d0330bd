"""Projects, users and API keys, as the hub knows them."""

from __future__ import annotations

from typing import Any

from edgewright.hub.db import schema
from edgewright.hub.db.records import KeyRecord, ProjectRecord
from edgewright.hub.readmodel.memory import Follow, rows
from edgewright.hub.resource import Resource
from edgewright.hub.resources.tenants import projects, users
from edgewright.hub.services import Services
from edgewright.wire import protocol


def _uid(record: ProjectRecord) -> str:
    return record.uid


def _follows(hub: Services) -> tuple[Follow, ...]:
    state = hub.state
    return (
        Follow(
            ProjectRecord, "project", state.put_project, state.drop_project, rows(schema.projects, ProjectRecord),
            project=_uid,
        ),
        Follow(KeyRecord, "apikey", state.put_key, state.drop_key, rows(schema.api_keys, KeyRecord), kind=""),
    )  # fmt: skip


def _project(hub: Services, uid: str) -> dict[str, Any] | None:
    record = hub.state.projects.get(uid)
    return None if record is None else hub.renderer.project(record)


RESOURCE = Resource(
    "project",
    routes=(*projects.ROUTES, *users.ROUTES),
    tables=(schema.projects, schema.api_keys),
    follows=_follows,
    render={"project": _project},
    open_paths=frozenset({protocol.AUTHENTICATE, protocol.REFRESH}),
)
