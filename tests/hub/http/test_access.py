"""Who may do what: API keys as Palette's clients make them, the login cookie, projects, reading calls (P52, P53)."""

from __future__ import annotations

import time

import httpx
import pytest

from edgewright.hub.http.auth import SESSION_COOKIE, cookie
from tests.hub_fixture import RunningHub


def unique(name: str) -> str:
    return f"{name}-{time.monotonic_ns()}"


def make_key(client: httpx.Client, **spec: object) -> httpx.Response:
    return client.post("/v1/apiKeys", json={"metadata": {"name": unique("k")}, "spec": spec})


def test_p52_a_key_made_as_the_sdk_does_has_its_creators_role(hub: RunningHub) -> None:
    admin = hub.client()
    who = admin.get("/v1/users/info").json()
    for owner in (who["tenantUid"], who["userUid"]):
        made = make_key(admin, userUid=owner, expiry="2036-01-01T00:00:00.000Z")
        assert made.status_code == 201, made.text
        client = hub.client(ApiKey=made.json()["apiKey"])
        assert client.get("/v1/users/info").json()["userUid"] == who["userUid"]
        assert client.post("/v1/projects", json={"metadata": {"name": unique("by-key")}}).status_code == 201


def test_p52_less_may_be_asked_for_and_another_user_must_exist(hub: RunningHub) -> None:
    admin = hub.client()
    made = make_key(admin, edgewright={"role": "viewer"}).json()
    refused = hub.client(ApiKey=made["apiKey"]).post("/v1/projects", json={"metadata": {"name": "x"}})
    assert refused.status_code == 403
    key = hub.client(ApiKey=made["apiKey"]).get("/v1/users/info").json()["edgewright"]["via"]
    told = refused.json()["message"]
    assert told == f"The {key} has the role viewer, which may only read. This needs an API key of the role admin."
    assert key.startswith("API key "), "the credential is named, not the user who owns it"
    assert make_key(admin, userUid="0" * 24).status_code == 404
    assert make_key(admin, edgewright={"role": "owner"}).status_code == 422
    assert make_key(hub.client(ApiKey=made["apiKey"])).status_code == 403, "a viewer makes no keys"


def test_the_cookie_of_a_login_is_accepted(hub: RunningHub) -> None:
    admin = hub.client()
    login = {"emailId": admin.get("/v1/users/me").json()["spec"]["emailId"], "password": hub.admin_key}
    answer = hub.anonymous().post("/v1/auth/authenticate", json=login)
    assert answer.status_code == 200, answer.text
    header = answer.headers["set-cookie"]
    assert all(word in header for word in ("HttpOnly", "Secure", "SameSite=Strict", "Max-Age=900"))
    value = cookie(header.partition(";")[0], SESSION_COOKIE)
    assert value == answer.json()["Authorization"]
    browser = hub.client(Cookie=f"theme=dark; {SESSION_COOKIE}={value}")
    assert browser.get("/v1/users/info").status_code == 200
    assert hub.client(Cookie=f"{SESSION_COOKIE}={value[:-2]}xx").get("/v1/users/info").status_code == 401
    assert hub.client(Cookie="theme=dark").get("/v1/users/info").status_code == 401
    quiet = hub.anonymous().post("/v1/auth/authenticate?setCookie=false", json=login)
    assert "set-cookie" not in quiet.headers


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/dashboard/edgehosts/search", {}),
        ("GET", "/v1/edgehosts/tokens", None),
        ("GET", "/v1/audits", None),
        ("POST", "/v1/edgehosts", {"metadata": {"uid": "of-no-project"}, "spec": {}}),
        ("GET", "/edgewright/v1/changes", None),
    ],
)
def test_p53_a_project_that_does_not_exist_is_404_and_not_empty(
    hub: RunningHub, method: str, path: str, body: dict[str, object] | None
) -> None:
    client = hub.client(ApiKey=hub.admin_key, ProjectUid="5" * 24)
    answer = client.request(method, path, json=body)
    assert answer.status_code == 404 and answer.json()["code"] == "ResourceNotFound", answer.text
    assert "project" in answer.json()["message"]


def test_p53_a_hosts_header_is_not_looked_at(hub: RunningHub, token: str) -> None:
    uid, headers = unique("h"), {"ProjectUid": "5" * 24}
    own = hub.host(uid, token)
    beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
    assert own.patch(f"/v1/edgehosts/{uid}/health", json=beat, headers=headers).status_code == 204
    assert own.get(f"/v1/edgehosts/{uid}", headers=headers).status_code == 200


def test_a_viewer_reads_the_version_of_the_agent(hub: RunningHub) -> None:
    assert hub.viewer().get("/v1/services/stylus/version").status_code == 200
    assert hub.anonymous().get("/v1/services/stylus/version").status_code == 401
