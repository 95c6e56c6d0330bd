"""Registries over the API: added, read, changed, removed; what reaches them, and what never does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.roles import OPERATOR, VIEWER
from edgewright.hub.packs import index
from edgewright.hub.packs.index import BUILTIN, IMPORTED
from edgewright.wire import protocol
from tests.hub.packs.sources import PASSWORD, added, helm_body, helm_server, oci_body, synced
from tests.hub.people import person, project, unique
from tests.hub_fixture import RunningHub
from tests.oci.fake_registry import FakeRegistry
from tests.oci.raw_server import RawServer, certificate, give

Serve = Callable[..., RawServer]


def test_a_registry_is_added_read_changed_and_removed(hub: RunningHub, serve: Serve) -> None:
    admin, server = hub.client(), helm_server(serve)
    body = helm_body(server.host)
    uid, state = added(admin, body)
    assert state["status"] == "Success" and state["message"] == "1 packs in 3 versions." and state["isSyncSupported"]
    path = f"{protocol.HELM_REGISTRIES}/{uid}"
    read = admin.get(path).json()
    assert (
        read["spec"]["endpoint"] == f"http://{server.host}/repo"
        and read["metadata"]["name"] == body["metadata"]["name"]
    )
    name = unique("renamed")
    assert admin.put(path, json={"metadata": {"name": name}, "spec": body["spec"]}).status_code == 204
    assert admin.get(path).json()["metadata"]["name"] == name
    rows = admin.get(protocol.REGISTRIES).json()["items"]
    row = next(row for row in rows if row["metadata"]["uid"] == uid)
    assert row["status"]["packs"] == 1 and row["spec"]["allowPrivate"] and rows[0]["metadata"]["uid"] == BUILTIN
    assert admin.get(f"{protocol.REGISTRIES}/{uid}").json() == row
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == 404 and admin.delete(f"/v1/registries/{uid}").status_code == 404
    assert uid not in admin.get(protocol.PACKS, params={"filters": f"spec.registryUid={uid}"}).text


def test_the_lists_that_clients_read(hub: RunningHub, serve: Serve) -> None:
    admin, server = hub.client(), helm_server(serve)
    uid, _ = added(admin, helm_body(server.host))
    metadata = admin.get(protocol.REGISTRIES_METADATA).json()["items"]
    assert metadata[0] == {
        "uid": BUILTIN, "name": "Edgewright catalogue", "kind": "pack", "scope": "system", "isDefault": True,
        "isPrivate": False,
    }  # fmt: skip
    assert uid in [item["uid"] for item in metadata]
    system = admin.get(protocol.REGISTRIES_METADATA, params={"scope": "system"}).json()["items"]
    assert [item["uid"] for item in system] == [BUILTIN]
    for path in (protocol.HELM_REGISTRIES, protocol.HELM_REGISTRIES_SUMMARY):
        page = admin.get(path, params={"scope": "all", "limit": 50}).json()
        assert uid in [item["metadata"]["uid"] for item in page["items"]] and "continue" in page["listmeta"]
        assert admin.get(path, params={"filters": "metadata.name=nobody"}).json()["items"] == []
        assert admin.get(path, params={"filters": "x"}).status_code == 400
    summary = admin.get(protocol.PACK_REGISTRIES_SUMMARY, params={"limit": 50, "scope": "all"}).json()["items"]
    assert [item["metadata"]["uid"] for item in summary] == [BUILTIN, IMPORTED]
    state = admin.get(f"{protocol.PACK_REGISTRIES}/{BUILTIN}/sync/status").json()
    assert state["isSyncSupported"] is False and state["status"] == "Success"
    assert admin.get(protocol.OCI_REGISTRIES_SUMMARY).json()["items"] == []


def test_p98_a_login_is_sealed_masked_and_never_in_a_log(hub: RunningHub) -> None:
    admin = hub.client()
    fake = FakeRegistry()
    fake.auth, fake.password = "basic", PASSWORD
    auth = {"type": "basic", "username": "user", "password": PASSWORD}
    try:
        body = oci_body(fake.host, auth=auth)
        uid, state = added(admin, body, protocol.OCI_REGISTRIES)
        assert state["status"] == "Success" and fake.count("GET /v2/") > 0
        path = f"/v1/registries/oci/{uid}/basic"
        read = admin.get(path).json()
        assert read["spec"]["auth"]["password"] == "********" and read["spec"]["auth"]["username"] == "user"
        assert admin.get(f"/v1/registries/oci/{uid}").json()["auth"]["password"] == "********"
        assert admin.put(path, json=read).status_code == 204  # masked: the password stays
        before = len(fake.requests)
        assert admin.post(f"{path}/sync").status_code == 202
        assert synced(admin, path)["status"] == "Success" and len(fake.requests) > before
        moved = {**read, "spec": {**read["spec"], "endpoint": "127.0.0.1:9"}}
        refused = admin.put(path, json=moved)  # a password never follows to another address
        assert refused.status_code == 422 and "spec.auth.password" in refused.text
    finally:
        fake.close()
    everything = b"".join(file.read_bytes() for file in Path(hub.data).rglob("*") if file.is_file())
    assert PASSWORD.encode() not in everything
    answers = [admin.get(each).text for each in (protocol.REGISTRIES, protocol.AUDITS, protocol.OCI_REGISTRIES_SUMMARY)]
    assert PASSWORD not in "".join(answers)


@pytest.mark.parametrize(
    "spec, part",
    [
        ({"endpoint": "http://charts.example/x", "auth": {}}, "without TLS"),
        ({"endpoint": "ftp://x", "auth": {}}, "cannot be used"),
        ({"endpoint": "https://u:p@[::", "auth": {}}, "cannot be used"),
        ({"endpoint": "https://a.example", "auth": {"type": "basic", "username": "u"}}, "spec.auth.password"),
        ({"endpoint": "https://a.example", "auth": {"type": "basic", "password": "p"}}, "spec.auth.username"),
        ({"endpoint": "https://a.example", "auth": {"type": "sso"}}, "one of"),
        ({"endpoint": "https://a.example", "auth": {"tls": {"insecureSkipVerify": True}}}, "always verified"),
        ({"endpoint": "https://a.example", "auth": {"tls": {"ca": "no PEM"}}}, "certificates"),
        ({"endpoint": "https://a.example", "auth": {}, "edgewright": {"allowPrivate": "yes"}}, "boolean"),
    ],
)
def test_what_is_refused(hub: RunningHub, spec: dict[str, Any], part: str) -> None:
    body = {"metadata": {"name": unique("bad")}, "spec": {**spec, "auth": {"type": "noAuth", **spec["auth"]}}}
    answer = hub.client().post(protocol.HELM_REGISTRIES, json=body)
    assert answer.status_code == 422 and part in answer.json()["message"]
    assert body["metadata"]["name"] not in hub.client().get(protocol.REGISTRIES).text


def test_p97_private_addresses_are_for_an_admin_to_allow(hub: RunningHub, serve: Serve) -> None:
    admin, server = hub.client(), serve(give("200 OK", b"entries: {}\n"))
    uid, state = added(admin, helm_body(server.host, private=False))
    assert state["status"] == "Failed" and "127.0.0.1 is this machine" in state["message"]
    assert server.requests == []
    validate = helm_body(server.host, private=False)["spec"]
    answer = admin.post(protocol.HELM_REGISTRIES_VALIDATE, json=validate)
    assert (answer.status_code, answer.json()["code"]) == (403, "AddressRefused")
    validate["edgewright"]["allowPrivate"] = True
    assert admin.post(protocol.HELM_REGISTRIES_VALIDATE, json=validate).status_code == 204
    validate["endpoint"] = "https://169.254.169.254/latest"
    answer = admin.post(protocol.HELM_REGISTRIES_VALIDATE, json=validate)
    assert (answer.status_code, answer.json()["code"]) == (403, "AddressRefused") and "link-local" in answer.text
    assert admin.delete(f"/v1/registries/{uid}").status_code == 204


@pytest.mark.parametrize(
    "answer, part",
    [
        (give("401 Unauthorized"), "wants a login. Add the registry with one: --user NAME --password-file FILE"),
        (give("403 Forbidden"), "Ask its owner for the right to read, or give another login."),
        (give("503 Busy"), "answers with an error of its own"),
        (give("200 OK", b"<html>"), "is not the index of a Helm repository"),
        (lambda link, request: link.shutdown(2), "broke the connection off"),
    ],
)
def test_a_registry_that_fails_is_reported(hub: RunningHub, serve: Serve, answer: Any, part: str) -> None:
    admin, server = hub.client(), serve(answer)
    uid, state = added(admin, helm_body(server.host))
    assert state["status"] == "Failed" and part in state["message"]
    spec = helm_body(server.host)["spec"]
    reply = admin.post(protocol.HELM_REGISTRIES_VALIDATE, json=spec)
    assert reply.status_code in (422, 502) and part in reply.json()["message"]
    admin.delete(f"/v1/registries/{uid}")


def test_registries_belong_to_the_tenant(hub: RunningHub, serve: Serve) -> None:
    ours = project(hub)
    member = person(hub, "", {ours: OPERATOR})
    viewer, operator = person(hub, VIEWER), person(hub, OPERATOR)
    server = helm_server(serve)
    uid, _ = added(hub.client(), helm_body(server.host))
    for each in (member, viewer, operator):
        assert uid in each.client.get(protocol.REGISTRIES_METADATA).text
        assert each.client.post(protocol.HELM_REGISTRIES, json=helm_body(server.host)).status_code == 403
        assert each.client.delete(f"/v1/registries/{uid}").status_code == 403
        assert each.client.post(f"{protocol.HELM_REGISTRIES}/{uid}/sync").status_code == 403


async def test_names_are_unique_and_their_number_is_bounded(inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, admin = inside
    monkeypatch.setattr(index, "MOST_REGISTRIES", 2)
    bodies = [helm_body(f"127.0.0.{number}:9") for number in range(1, 5)]
    for body in bodies:
        body["spec"]["createOption"] = {"skipSync": True}
    bodies[1]["metadata"]["name"] = bodies[0]["metadata"]["name"]
    answers = [await admin.post(protocol.HELM_REGISTRIES, json=body) for body in bodies]
    assert [answer.status_code for answer in answers] == [201, 409, 201, 409]
    assert answers[1].json()["code"] == "DuplicateName" and answers[3].json()["code"] == "TooManyRegistries"
    state = await admin.get(f"{protocol.HELM_REGISTRIES}/{answers[0].json()['uid']}/sync/status")
    assert state.json()["status"] == "Unknown"


def test_a_registry_of_another_ca_needs_that_ca(hub: RunningHub, tmp_path: Path) -> None:
    certified = certificate(tmp_path)
    server = RawServer(give("200 OK", b'{"repositories": []}'), certified.context)
    admin, spec = hub.client(), oci_body(server.host)["spec"]
    answer = admin.post(protocol.OCI_REGISTRIES_VALIDATE, json=spec)
    assert answer.status_code == 502 and answer.json()["message"].endswith("Give the CA of the registry: --ca FILE.")
    tls = {"enabled": True, "ca": certified.ca.read_text()}
    good = {**spec, "auth": {"type": "noAuth", "tls": tls}}
    assert admin.post(protocol.OCI_REGISTRIES_VALIDATE, json=good).status_code == 204
    server.close()
