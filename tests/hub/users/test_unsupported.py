"""Palette's calls about users that this hub does not have: each is refused, as docs/hub.md lists them."""

from __future__ import annotations

import re

import pytest

from edgewright.wire import protocol
from tests.hub.people import unique
from tests.hub_fixture import RunningHub
from tests.support import ROOT

DOC = (ROOT / "docs" / "hub.md").read_text("utf-8")
ABSENT = (
    ("GET", "/v1/teams"),
    ("POST", "/v1/teams"),
    ("GET", "/v1/teams/{uid}"),
    ("PUT", "/v1/users/{uid}/teams"),
    ("POST", "/v1/roles/{uid}/clone"),
    ("GET", "/v1/permissions"),
    ("PUT", "/v1/users/{uid}/resourceRoles/{resourceRoleUid}"),
    ("DELETE", "/v1/users/{uid}/resourceRoles/{resourceRoleUid}"),
    ("PATCH", "/v1/users/{uid}/password"),
    ("PATCH", "/v1/users/{uid}/emailId"),
)
"""Paths that do not exist: 404."""
READ_ONLY = (
    ("POST", "/v1/roles"),
    ("PUT", "/v1/roles/{uid}"),
    ("DELETE", "/v1/roles/{uid}"),
    ("POST", "/v1/users/{uid}/resourceRoles"),
    ("PUT", "/v1/workspaces/users/{uid}/roles"),
)
"""Paths that are only read: 405."""


def _call(hub: RunningHub, method: str, path: str) -> tuple[int, str]:
    sent = {} if method in ("GET", "DELETE") else {"json": {"metadata": {"name": "x"}}}
    reply = hub.client().request(method, re.sub(r"{\w+}", "some-uid", path), **sent)  # type: ignore[arg-type]
    return reply.status_code, str(reply.json()["message"])


@pytest.mark.parametrize(("method", "path"), ABSENT)
def test_what_does_not_exist_is_not_found(hub: RunningHub, method: str, path: str) -> None:
    code, message = _call(hub, method, path)
    assert code == 404 and message.endswith("was not found")
    assert f"`{method} {path}`" in DOC


@pytest.mark.parametrize(("method", "path"), READ_ONLY)
def test_what_is_only_read_allows_no_change(hub: RunningHub, method: str, path: str) -> None:
    code, message = _call(hub, method, path)
    assert code == 405 and f"method {method} is not allowed" in message
    assert f"`{method} {path}`" in DOC


def test_a_user_in_a_team_or_with_a_role_of_ones_own_is_refused(hub: RunningHub) -> None:
    admin = hub.client()
    for spec, text in (
        ({"teams": ["t-1"]}, "this hub has no teams"),
        ({"roles": ["my-own"]}, "'my-own' is not the uid of a role [admin operator viewer]"),
    ):
        email = f"{unique('nobody')}@example.com"
        reply = admin.post(protocol.USERS, json={"spec": {"emailId": email, **spec}})
        assert reply.status_code == 422 and text in reply.json()["message"]
        assert email not in admin.get(protocol.USERS).text


def test_what_a_user_could_have_of_them_is_empty(hub: RunningHub) -> None:
    admin = hub.client()
    uid = admin.post(protocol.USERS, json={"spec": {"emailId": f"{unique('plain')}@example.com"}}).json()["uid"]
    assert admin.get(protocol.path(protocol.USER_RESOURCE_ROLES, uid=uid)).json() == {"resourceRoles": []}
    assert admin.get(protocol.path(protocol.USER_WORKSPACE_ROLES, userUid=uid)).json() == {"projects": []}
