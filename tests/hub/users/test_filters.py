"""Tag filters over the API: the calls of Terraform and the SDK, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from edgewright.core.roles import ADMIN, VIEWER
from edgewright.hub.resources.filters import store
from edgewright.wire import protocol
from tests.hub.people import person, project, unique
from tests.hub_fixture import RunningHub

FILTERS, TAGS = protocol.FILTERS, protocol.TAG_FILTERS


def body(name: str, *items: dict[str, Any], conjunction: str = "and") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"filterGroup": {"conjunction": conjunction, "filters": list(items)}}}


def item(key: str = "site", *values: str, negation: bool = False) -> dict[str, Any]:
    return {"key": key, "negation": negation, "operator": "eq", "values": list(values)}


def test_terraform_filter(hub: RunningHub) -> None:
    """`spectrocloud_filter` in the provider's order: create, read, update, read, data source by name, destroy."""
    admin, name = hub.client(), unique("tf")
    made = admin.post(TAGS, json=body(name, item("site", "berlin", "oslo"), item("x", negation=True)))
    assert made.status_code == 201 and set(made.json()) == {"uid"}
    uid = made.json()["uid"]
    read = admin.get(f"{TAGS}/{uid}").json()
    assert read["metadata"]["name"] == name
    assert read["spec"] == body(name, item("site", "berlin", "oslo"), item("x", negation=True))["spec"]
    newer = body(name, item("site", "rome"), conjunction="or")
    assert admin.put(f"{TAGS}/{uid}", json=newer).status_code == 204
    assert admin.get(f"{TAGS}/{uid}").json()["spec"] == newer["spec"]
    (found,) = [one for one in admin.get(f"{FILTERS}?limit=0").json()["items"] if one["metadata"]["name"] == name]
    assert found["metadata"]["uid"] == uid and found["spec"]["filterType"] == "tag"
    assert {"uid": uid, "name": name, "filterType": "tag"} in admin.get(f"{FILTERS}/metadata").json()["items"]
    assert admin.delete(f"{TAGS}/{uid}").status_code == 204
    assert admin.get(f"{TAGS}/{uid}").status_code == 404 and admin.delete(f"{TAGS}/{uid}").status_code == 404


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (body("", item()), 422),
        (body("f"), 422),
        (body("f", item("")), 422),
        (body("f", item("x" * 300)), 422),
        (body("f", item("k", "v" * 1100)), 422),
        (body("f", item("k", *["v"] * 101)), 422),
        (body("f", *[item("k")] * 51), 422),
        (body("f", item(), conjunction="xor"), 422),
        (body("f", {**item(), "operator": "contains"}), 422),
        ({"metadata": {"name": "f"}}, 422),
    ],
)
def test_what_is_refused(hub: RunningHub, sent: dict[str, Any], code: int) -> None:
    assert hub.client().post(TAGS, json=sent).status_code == code


def test_a_name_is_there_once(hub: RunningHub) -> None:
    admin, name, other = hub.client(), unique("f"), unique("f")
    assert admin.post(TAGS, json=body(name, item())).status_code == 201
    assert admin.post(TAGS, json=body(name, item())).status_code == 409
    uid = admin.post(TAGS, json=body(other, item())).json()["uid"]
    assert admin.put(f"{TAGS}/{uid}", json={"metadata": {"name": name}}).status_code == 409
    renamed = admin.put(f"{TAGS}/{uid}", json={"metadata": {"name": unique("g")}})
    assert renamed.status_code == 204 and admin.get(f"{TAGS}/{uid}").json()["spec"] == body("", item())["spec"]


async def test_the_number_of_filters_is_bounded(
    inside: tuple[object, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = inside
    monkeypatch.setattr(store, "MOST", 2)
    statuses = [(await admin.post(TAGS, json=body(f"f{each}", item()))).status_code for each in range(3)]
    assert statuses == [201, 201, 409]


def test_filters_belong_to_the_tenant(hub: RunningHub) -> None:
    assert person(hub, VIEWER).client.get(FILTERS).status_code == 200
    assert person(hub, VIEWER).client.post(TAGS, json=body("x", item())).status_code == 403
    assert person(hub, "", {project(hub): ADMIN}).client.get(FILTERS).status_code == 403
