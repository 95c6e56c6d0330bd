"""SSH keys over the API: the calls of Terraform and the SDK, what is refused, and whose keys one sees."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from edgewright.core.roles import ADMIN, OPERATOR, VIEWER
from edgewright.hub.resources.ssh_keys import store
from edgewright.wire import protocol
from tests.hub.people import person, project, ssh_key, unique
from tests.hub_fixture import RunningHub

KEYS = protocol.SSH_KEYS
_numbers = iter(range(1000, 100_000))


@pytest.fixture
def number() -> Iterator[int]:
    yield next(_numbers)


def body(name: str, key: str) -> dict[str, object]:
    return {"metadata": {"name": name, "annotations": None, "labels": None}, "spec": {"publicKey": key}}


def test_terraform_ssh_key(hub: RunningHub, number: int) -> None:
    """`spectrocloud_ssh_key` in the context of a project: create, read, update, find by name, destroy."""
    mine = project(hub)
    client, name, key = hub.client(ApiKey=hub.admin_key, ProjectUid=mine), unique("tf"), ssh_key(number) + "\n"
    made = client.post(KEYS, json=body(name, key))
    assert made.status_code == 201 and set(made.json()) == {"uid"}
    uid = made.json()["uid"]
    read = client.get(f"{KEYS}/{uid}").json()
    assert (read["metadata"]["name"], read["spec"]["publicKey"]) == (name, key), "as sent, or each plan has a change"
    meta = {"name": name + "-2", "uid": "", "creationTimestamp": "0001-01-01T00:00:00.000Z"}
    other = ssh_key(number + 500_000)
    assert client.put(f"{KEYS}/{uid}", json={"metadata": meta, "spec": {"publicKey": other}}).status_code == 204
    (found,) = [item for item in client.get(KEYS).json()["items"] if item["metadata"]["name"] == name + "-2"]
    assert found["metadata"]["uid"] == uid and found["spec"]["publicKey"] == other
    assert found["spec"]["edgewright"]["fingerprint"].startswith("SHA256:")
    assert client.get(f"{KEYS}?filters=metadata.name={name}-2").json()["items"] == [found]
    assert client.delete(f"{KEYS}/{uid}").status_code == 204
    assert client.get(f"{KEYS}/{uid}").status_code == 404


def test_a_key_is_there_once(hub: RunningHub, number: int) -> None:
    mine = project(hub)
    admin, scoped = hub.client(), hub.client(ApiKey=hub.admin_key, ProjectUid=mine)
    name, key = unique("k"), ssh_key(number)
    assert admin.post(KEYS, json=body(name, key)).status_code == 201
    assert admin.post(KEYS, json=body(name, ssh_key(number + 500_000))).status_code == 409
    same = admin.post(KEYS, json=body(unique("k"), ssh_key(number, "another comment")))
    assert same.status_code == 409 and name in same.json()["message"], "the key is the same with another comment"
    assert scoped.post(KEYS, json=body(name, key)).status_code == 201, "a project has keys of its own"
    uid = admin.post(KEYS, json=body(unique("k"), ssh_key(number + 600_000))).json()["uid"]
    assert admin.put(f"{KEYS}/{uid}", json={"spec": {"publicKey": key}}).status_code == 409
    assert admin.put(f"{KEYS}/{uid}", json={"metadata": {"name": name}}).status_code == 409


@pytest.mark.parametrize(
    "key", ["", "hello", "ssh-rsa AAAA", 'command="x" ' + ssh_key(7), ssh_key(7) + "\n" + ssh_key(8)]
)
def test_what_is_no_key_is_422(hub: RunningHub, key: str) -> None:
    answer = hub.client().post(KEYS, json=body(unique("bad"), key))
    assert answer.status_code == 422 and answer.json()["message"].startswith("spec.publicKey in body "), answer.text


def test_names_and_sizes_are_bounded(hub: RunningHub, number: int) -> None:
    admin = hub.client()
    assert admin.post(KEYS, json=body("", ssh_key(number))).status_code == 422
    assert admin.post(KEYS, json=body("x" * 300, ssh_key(number))).status_code == 422
    assert admin.post(KEYS, json=body(unique("k"), ssh_key(number, "x" * 300))).status_code == 422
    assert admin.post(KEYS, json=body(unique("k"), ssh_key(number) + " " * 20_000)).status_code == 422


async def test_the_number_of_keys_is_bounded(
    inside: tuple[object, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admin = inside
    monkeypatch.setattr(store, "MOST", 2)
    statuses = [(await admin.post(KEYS, json=body(f"k{each}", ssh_key(each)))).status_code for each in range(3)]
    assert statuses == [201, 201, 409]


def test_keys_of_the_tenant_are_offered_in_each_project(hub: RunningHub, number: int) -> None:
    mine, foreign = project(hub), project(hub)
    shared, own, other = unique("shared"), unique("own"), unique("other")
    admin = hub.client()
    admin.post(KEYS, json=body(shared, ssh_key(number)))
    for name, where, offset in ((own, mine, 500_000), (other, foreign, 600_000)):
        hub.client(ApiKey=hub.admin_key, ProjectUid=where).post(KEYS, json=body(name, ssh_key(number + offset)))
    user = person(hub, "", {mine: VIEWER})
    names = {item["metadata"]["name"] for item in user.client.get(KEYS).json()["items"]}
    assert {shared, own} <= names and other not in names
    keys = {item["metadata"]["name"]: item["metadata"]["uid"] for item in admin.get(KEYS).json()["items"]}
    assert {shared, own, other} <= keys.keys()
    assert user.client.get(f"{KEYS}/{keys[other]}").status_code == 404
    operator, chief = person(hub, "", {mine: OPERATOR}), person(hub, "", {mine: ADMIN})
    assert operator.client.delete(f"{KEYS}/{keys[own]}").status_code == 403
    assert chief.client.delete(f"{KEYS}/{keys[shared]}").status_code == 403, "that of the tenant is not the project's"
    assert chief.client.delete(f"{KEYS}/{keys[own]}").status_code == 204
    in_use = admin.delete(f"/v1/projects/{foreign}")
    assert in_use.status_code == 409 and other in in_use.json()["message"]
