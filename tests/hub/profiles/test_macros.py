"""Macros over the API: as Palette's SDK and Terraform provider call them, and who sees a value."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edgewright.core.profiles.variables import COVER
from edgewright.core.roles import OPERATOR, VIEWER
from edgewright.hub.process.app import Hub
from edgewright.hub.profiles.index import MacroIndex
from edgewright.wire import protocol
from tests.hub.http.profile_calls import tenant
from tests.hub.people import person, project, unique
from tests.hub_fixture import RunningHub


def of_tenant(client: httpx.Client) -> str:
    return protocol.path(protocol.TENANT_MACROS, tenantUid=tenant(client))


def of_project(uid: str) -> str:
    return protocol.path(protocol.PROJECT_MACROS, uid=uid)


def sent(name: str, value: str, **ours: Any) -> dict[str, Any]:
    return {"macros": [{"name": name, "value": value, **({"edgewright": ours} if ours else {})}]}


async def test_macros_are_sealed(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    path = protocol.path(protocol.TENANT_MACROS, tenantUid=hub.state.tenant_uid)
    assert (await admin.post(path, json=sent("site", "hunter-two"))).status_code == 204
    record = hub.part(MacroIndex).of("")["site"]
    assert "hunter-two" not in record.value_encrypted and hub.box.unseal(record.value_encrypted) == "hunter-two"


def test_the_sequence_of_the_sdk_for_a_macro_of_the_tenant(hub: RunningHub) -> None:
    """`GET users/info`, then the calls with the uid of the tenant and without `ProjectUid`; read back after each."""
    admin, name = hub.client(), unique("site")
    path = of_tenant(admin)

    def read() -> dict[str, str]:
        return {row["name"]: row["value"] for row in admin.get(path).json()["macros"]}

    assert admin.post(path, json=sent(name, "north")).status_code == 204 and read()[name] == "north"
    assert admin.patch(path, json=sent(name, "south")).status_code == 204 and read()[name] == "south"
    assert admin.request("DELETE", path, json=sent(name, "")).status_code == 204 and name not in read()
    assert admin.get(protocol.path(protocol.TENANT_MACROS, tenantUid="0" * 24)).status_code == 404


def test_macros_of_project_and_tenant(hub: RunningHub) -> None:
    admin, scope, name = hub.client(), project(hub), unique("site")
    scoped = hub.client(ApiKey=hub.admin_key, ProjectUid=scope)
    path, one = of_project(scope), sent(name, "north")
    assert admin.post(of_tenant(admin), json=sent(name, "all")).status_code == 204
    assert scoped.post(path, json=one).status_code == 204
    assert scoped.post(path, json=one).status_code == 409
    assert scoped.get(path).json() == one
    usable = {row["name"]: row["value"] for row in scoped.get(protocol.PROFILES_MACROS).json()["macros"]}
    assert usable[name] == "north"
    usable = {row["name"]: row["value"] for row in admin.get(protocol.PROFILES_MACROS).json()["macros"]}
    assert usable[name] == "all"
    changed = {"macros": [{"name": name, "value": "south"}, {"name": "floor", "value": "2"}]}
    assert scoped.patch(path, json=changed).status_code == 204
    viewer = person(hub, "", {scope: VIEWER}).client
    assert {row["value"] for row in viewer.get(path).json()["macros"]} == {COVER}
    assert scoped.request("DELETE", path, json={"macros": [{"name": "floor"}]}).status_code == 204
    assert scoped.get(path).json() == sent(name, "south")
    assert scoped.put(path, json={"macros": []}).status_code == 204 and scoped.get(path).json()["macros"] == []
    bad = scoped.post(path, json={"macros": [{"name": "two words", "value": ""}]})
    assert bad.status_code == 422 and "macros.0.name" in bad.json()["message"]


def test_p95_the_value_of_a_masked_macro_never_leaves_the_hub(hub: RunningHub) -> None:
    scope, name = project(hub), unique("key")
    scoped, path = hub.client(ApiKey=hub.admin_key, ProjectUid=scope), of_project(scope)
    assert scoped.post(path, json=sent(name, "hunter-two", masked=True)).status_code == 204
    for read in (path, protocol.PROFILES_MACROS, protocol.OWN_MACROS):
        assert "hunter-two" not in scoped.get(read).text, read
    assert scoped.get(path).json() == sent(name, COVER, masked=True)
    assert scoped.patch(path, json=sent(name, "hunter-three")).status_code == 204, "a client that knows no mask"
    assert "hunter-three" not in scoped.get(path).text
    refused = scoped.patch(path, json=sent(name, COVER, masked=False))
    assert refused.status_code == 422 and "send its value" in refused.json()["message"]
    assert scoped.patch(path, json=sent(name, "plain", masked=False)).status_code == 204
    assert scoped.get(path).json() == sent(name, "plain")


def test_a_covered_value_is_the_stored_one_and_no_new_one(hub: RunningHub) -> None:
    scope = project(hub)
    scoped, path = hub.client(ApiKey=hub.admin_key, ProjectUid=scope), of_project(scope)
    refused = scoped.post(path, json=sent("site", COVER))
    assert refused.status_code == 422 and "is covered" in refused.json()["message"]
    assert scoped.post(path, json=sent("site", "north")).status_code == 204
    assert scoped.put(path, json=sent("site", COVER)).status_code == 204
    assert scoped.get(path).json() == sent("site", "north")


def test_the_list_has_the_macros_of_the_scope_and_of_the_tenant(hub: RunningHub) -> None:
    ours, theirs = project(hub), project(hub)
    admin, name = hub.client(), unique("site")
    admin.post(of_tenant(admin), json=sent(name, "all")).raise_for_status()
    for uid in (ours, theirs):
        admin.post(of_project(uid), json=sent(name, "secret-value", masked=uid == ours)).raise_for_status()
    member = person(hub, "", {ours: OPERATOR}).client
    rows, offset = [], 0
    while page := member.get(protocol.OWN_MACROS, params={"limit": 2, "offset": offset}).json()["items"]:
        rows += page
        offset += len(page)
    shown = [row["spec"] for row in rows if row["metadata"]["name"] == name]
    assert shown == [{"projectUid": "", "masked": False}, {"projectUid": ours, "masked": True}]
    assert "secret-value" not in admin.get(protocol.OWN_MACROS).text
    with pytest.raises(httpx.HTTPStatusError):
        member.get(of_tenant(admin)).raise_for_status()
