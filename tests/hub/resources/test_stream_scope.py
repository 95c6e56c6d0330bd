"""What a reader of one project gets of the change stream, and what it never gets: P35 of docs/protocol.md."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from edgewright.core.roles import EVERYTHING, Scope
from edgewright.hub.process.app import Hub
from edgewright.hub.process.compose import RESOURCES
from edgewright.hub.readmodel.changes import Changes
from edgewright.wire import protocol

Inside = tuple[Hub, httpx.AsyncClient]
KINDS = protocol.CHANGE_KINDS
TENANT_KINDS = frozenset(kind for resource in RESOURCES for kind in resource.tenant_kinds)
SECRETIVE = {"token", "audit", "user", "filter"}
"""Kinds of the tenant that no reader of one project may get; the others are read by all without a project of their own:
an event of the plane itself, an alert of kind `plane`."""


async def read_of(changes: Changes, project: str, since: int) -> bytes:
    """Return what a reader of a project gets of the changes after `since`, up to a last one that everybody gets."""
    changes.publish("project", "put", "the-end", "", {})
    stream, read = changes.stream(since, Scope.of(project) if project else EVERYTHING), b""
    async with asyncio.timeout(20):
        while b"the-end" not in read:
            read += await anext(stream)
    return read


def test_p35_no_descriptor_forgets_what_is_of_the_tenant() -> None:
    assert TENANT_KINDS >= SECRETIVE and set(KINDS) >= TENANT_KINDS


@pytest.mark.parametrize("kind", KINDS)
async def test_p35_a_change_reaches_its_project_and_a_tenants_token_or_audit_entry_no_project(kind: str) -> None:
    changes = Changes(1000, lambda kind, uid: {"uid": uid}, tenant_kinds=TENANT_KINDS)
    first = changes.seq
    for project in ("p-1", "p-2", ""):
        changes.publish(kind, "put", f"of-{project or 'tenant'}", project, {"text": f"doc-{project or 'tenant'}"})
    of_one, of_all = await read_of(changes, "p-1", first), await read_of(changes, "", first)
    assert b"doc-p-1" in of_one and b"p-2" not in of_one
    assert (b"tenant" in of_one) == (kind not in TENANT_KINDS)
    assert all(text in of_all for text in (b"doc-p-1", b"doc-p-2", b"doc-tenant"))


async def test_p35_tokens_and_audit_entries_of_the_tenant_do_not_reach_a_projects_stream(inside: Inside) -> None:
    """Through the routes: a token without a project, an API key and a project are made; a host ends the reading."""
    hub, admin = inside
    uid = (await admin.post("/v1/projects", json={"metadata": {"name": "shop"}})).json()["uid"]
    first = hub.changes.seq

    async def post(path: str, body: dict[str, Any], **headers: str) -> None:
        answer = await admin.post(path, json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text

    await post("/v1/edgehosts/tokens", {"metadata": {"name": "tenant-token"}, "spec": {}})
    default = next(project.uid for project in hub.state.projects.values() if project.uid != uid)
    await post("/v1/edgehosts/tokens", {"metadata": {"name": "other-token"}, "spec": {"defaultProjectUid": default}})
    await post("/v1/apiKeys", {"metadata": {"name": "wall"}})
    await post("/v1/edgehosts", {"metadata": {"uid": "mine-1"}}, ProjectUid=uid)
    await post("/v1/edgehosts", {"metadata": {"uid": "theirs-1"}}, ProjectUid=default)
    of_project, of_all = await read_of(hub.changes, uid, first), await read_of(hub.changes, "", first)
    assert b"mine-1" in of_project
    for secret in (b"tenant-token", b"other-token", b"event: token", b"wall", b"theirs-1"):
        assert secret in of_all and secret not in of_project, secret
