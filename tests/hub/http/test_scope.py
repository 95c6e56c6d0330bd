"""A reader of one project gets nothing of another: lists leave it out, one object is 403 or 404, writes do nothing."""

from __future__ import annotations

import httpx
import pytest

from edgewright.hub.process.app import Hub
from edgewright.wire import protocol

Inside = tuple[Hub, httpx.AsyncClient]
SEARCH = "/v1/dashboard/edgehosts/search"


async def _scopes(admin: httpx.AsyncClient) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers of a project and of another."""
    uids = [
        (await admin.post("/v1/projects", json={"metadata": {"name": name}})).json()["uid"] for name in ("one", "two")
    ]
    return {protocol.H_PROJECT: uids[0]}, {protocol.H_PROJECT: uids[1]}


async def test_a_host_of_another_project(inside: Inside) -> None:
    _, admin = inside
    mine, other = await _scopes(admin)
    assert (await admin.post("/v1/edgehosts", json={"metadata": {"uid": "s-1"}}, headers=mine)).status_code == 201
    host = "/v1/edgehosts/s-1"
    label = {"metadata": {"labels": {"stolen": "yes"}}}
    calls = [("GET", host, None), ("PUT", f"{host}/meta", label), ("PUT", host, label), ("DELETE", host, None)]
    for method, path, body in calls:
        answer = await admin.request(method, path, json=body, headers=other)
        assert answer.status_code in (403, 404), (method, path)
    for headers, expected in ((mine, ["s-1"]), (other, [])):
        found = (await admin.post(SEARCH, json={}, headers=headers)).json()["items"]
        assert [item["metadata"]["uid"] for item in found] == expected
        short = (await admin.get("/v1/edgehosts/metadata", headers=headers)).json()["edgeHosts"]
        assert [item["uid"] for item in short] == expected
        listed = (await admin.post("/v1/dashboard/appliances/metadata", json={}, headers=headers)).json()["items"]
        assert [item["metadata"]["uid"] for item in listed] == expected
    assert "stolen" not in (await admin.get(host, headers=mine)).json()["metadata"]["labels"]


@pytest.mark.parametrize("path", ["operations", "intents", "logs"])
async def test_what_belongs_to_a_host_of_another_project(inside: Inside, path: str) -> None:
    _, admin = inside
    mine, other = await _scopes(admin)
    await admin.post("/v1/edgehosts", json={"metadata": {"uid": "s-2"}}, headers=mine)
    own = f"{protocol.PREFIX}/hosts/s-2/{path}"
    assert (await admin.get(own, headers=mine)).status_code == 200
    assert (await admin.get(own, headers=other)).status_code in (403, 404)
    asked = {"kind": "collect-logs"}
    assert (await admin.post(f"{protocol.PREFIX}/hosts/s-2/operations", json=asked, headers=other)).status_code in (
        403,
        404,
    )
    assert (await admin.put("/v1/edgehosts/s-2/reset", headers=other)).status_code in (403, 404)


async def test_a_receiver_of_another_project(inside: Inside) -> None:
    _, admin = inside
    mine, other = await _scopes(admin)
    body = {"name": "hook", "kind": "webhook", "webhook": {"url": "http://127.0.0.1:9"}}
    uid = (await admin.post(protocol.RECEIVERS, json=body, headers=mine)).json()["uid"]
    receiver = f"{protocol.RECEIVERS}/{uid}"
    off = {"active": False}
    calls = [
        ("GET", receiver, None),
        ("PATCH", receiver, off),
        ("POST", f"{receiver}/test", {}),
        ("DELETE", receiver, None),
    ]
    for method, path, sent in calls:
        assert (await admin.request(method, path, json=sent, headers=other)).status_code == 404, (method, path)
    for headers, expected in ((mine, [uid]), (other, [])):
        assert [
            item["uid"] for item in (await admin.get(protocol.RECEIVERS, headers=headers)).json()["items"]
        ] == expected
    assert (await admin.get(receiver, headers=mine)).json()["active"] is True
