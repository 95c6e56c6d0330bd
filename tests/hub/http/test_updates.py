"""Updates store what is sent and nothing else: tokens, API keys, projects, hosts, tunnel settings (rules P51, P54)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from edgewright.core import times
from edgewright.hub.http.merge import merge_expiry, merge_tunnel
from edgewright.hub.http.problems import Problem
from edgewright.wire import protocol
from tests.hub_fixture import RunningHub

TEMPORARY = {"remoteSshTempUser": "enabled"}
FUTURE, PAST, ZERO = "2036-05-01T00:00:00.000Z", "2020-05-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z"


def unique(name: str) -> str:
    return f"{name}-{time.monotonic_ns()}"


def project(hub: RunningHub) -> str:
    made = hub.client().post("/v1/projects", json={"metadata": {"name": unique("p")}})
    return str(made.json()["uid"])


def test_p51_a_token_renamed_keeps_expiry_project_and_description(hub: RunningHub) -> None:
    admin, scope, name = hub.client(), project(hub), unique("renamed")
    meta = {"name": unique("first"), "annotations": {"description": "shops"}, "labels": {"team": "a"}}
    spec = {"defaultProjectUid": scope, "expiry": FUTURE}
    uid = admin.post("/v1/edgehosts/tokens", json={"metadata": meta, "spec": spec}).json()["uid"]
    assert admin.put(f"/v1/edgehosts/tokens/{uid}", json={"metadata": {"name": name}}).status_code == 204
    # A client written in Go sends the zero time for a time that it does not set.
    go_like = {"metadata": {"name": name, "creationTimestamp": ZERO}, "spec": {"expiry": ZERO}}
    assert admin.put(f"/v1/edgehosts/tokens/{uid}", json=go_like).status_code == 204
    found = admin.get(f"/v1/edgehosts/tokens/{uid}").json()
    assert found["metadata"]["name"] == name
    assert found["metadata"]["annotations"] == {"description": "shops"} and found["metadata"]["labels"] == {"team": "a"}
    assert found["spec"]["expiry"] == FUTURE and found["spec"]["defaultProject"]["uid"] == scope


def test_p51_what_is_sent_empty_is_removed(hub: RunningHub) -> None:
    admin = hub.client()
    spec = {"defaultProjectUid": project(hub), "expiry": FUTURE}
    meta = {"name": unique("t"), "labels": {"team": "a"}}
    uid = admin.post("/v1/edgehosts/tokens", json={"metadata": meta, "spec": spec}).json()["uid"]
    emptied = {"metadata": {"labels": {}}, "spec": {"expiry": "", "defaultProjectUid": ""}}
    assert admin.put(f"/v1/edgehosts/tokens/{uid}", json=emptied).status_code == 204
    found = admin.get(f"/v1/edgehosts/tokens/{uid}").json()
    assert found["spec"]["expiry"] == ZERO and "defaultProject" not in found["spec"] and not found["metadata"]["labels"]


@pytest.mark.parametrize("path", ["/v1/edgehosts/tokens", "/v1/apiKeys", "/v1/projects"])
def test_p51_a_name_that_another_has_is_refused_at_creation_and_at_renaming(hub: RunningHub, path: str) -> None:
    admin, taken, other = hub.client(), unique("taken"), unique("other")
    assert admin.post(path, json={"metadata": {"name": taken}}).status_code == 201
    assert admin.post(path, json={"metadata": {"name": taken}}).status_code == 409
    uid = admin.post(path, json={"metadata": {"name": other}}).json()["uid"]
    answer = admin.put(f"{path}/{uid}", json={"metadata": {"name": taken}})
    assert answer.status_code == 409 and answer.json()["code"] == "DuplicateName" and taken in answer.json()["message"]
    assert admin.put(f"{path}/{uid}", json={"metadata": {"name": other}}).status_code == 204, (
        "its own name is not a clash"
    )


@pytest.mark.parametrize("path", ["/v1/edgehosts/tokens", "/v1/apiKeys"])
def test_p51_an_expiry_in_the_past_is_refused_at_creation_and_at_update(hub: RunningHub, path: str) -> None:
    admin = hub.client()
    past = {"spec": {"expiry": PAST}}
    assert admin.post(path, json={"metadata": {"name": unique("x")}, **past}).status_code == 422
    uid = admin.post(path, json={"metadata": {"name": unique("x")}, "spec": {"expiry": FUTURE}}).json()["uid"]
    answer = admin.put(f"{path}/{uid}", json=past)
    assert answer.status_code == 422 and "future" in answer.json()["message"]
    assert admin.get(f"{path}/{uid}").json()["spec"]["expiry"] == FUTURE


def test_an_expired_token_can_be_renamed_with_its_own_expiry_sent_back() -> None:
    ended = times.parse(PAST)
    assert merge_expiry({"expiry": PAST}, ended, 2e9) == ended
    with pytest.raises(Problem, match="future"):
        merge_expiry({"expiry": "2021-01-01T00:00:00Z"}, ended, 2e9)


def test_p51_a_project_keeps_what_an_update_does_not_send(hub: RunningHub) -> None:
    admin = hub.client()
    meta = {"name": unique("p"), "labels": {"region": "north"}, "annotations": {"description": "d"}}
    uid = admin.post("/v1/projects", json={"metadata": meta, "spec": {"logoUid": "logo"}}).json()["uid"]
    name = unique("q")
    assert admin.put(f"/v1/projects/{uid}", json={"metadata": {"name": name}}).status_code == 204
    found = admin.get(f"/v1/projects/{uid}").json()
    assert found["metadata"]["name"] == name and found["metadata"]["labels"] == {"region": "north"}
    assert found["metadata"]["annotations"] == {"description": "d"} and found["spec"]["logoUid"] == "logo"


def test_a_project_that_a_token_points_to_is_not_deleted(hub: RunningHub) -> None:
    admin, uid, name = hub.client(), project(hub), unique("points")
    spec = {"defaultProjectUid": uid}
    token = admin.post("/v1/edgehosts/tokens", json={"metadata": {"name": name}, "spec": spec}).json()["uid"]
    listed = admin.delete(f"/v1/projects/{uid}/validate").json()["edgewright"]["tokens"]
    assert listed == {"count": 1, "names": [name]}
    answer = admin.delete(f"/v1/projects/{uid}")
    assert answer.status_code == 409 and answer.json()["code"] == "ProjectInUse" and name in answer.json()["message"]
    assert admin.delete(f"/v1/edgehosts/tokens/{token}").status_code == 204
    assert admin.delete(f"/v1/projects/{uid}").status_code == 204


def test_p54_a_users_update_of_a_host_applies_labels_also_none(hub: RunningHub, token: str) -> None:
    admin, uid = hub.client(), unique("labels")
    assert hub.register(uid, token).status_code == 200
    before = admin.get(f"/v1/edgehosts/{uid}").json()
    assert before["metadata"]["labels"] == {"site": "berlin"}
    generation = before["status"]["edgewright"]["generation"]
    whole = {**before, "metadata": {**before["metadata"], "labels": {}}}  # as clients do: read, change, send back
    assert admin.put(f"/v1/edgehosts/{uid}", json=whole).status_code == 204
    after = admin.get(f"/v1/edgehosts/{uid}").json()
    assert after["metadata"]["labels"] == {} and after["spec"]["device"] == before["spec"]["device"]
    assert after["status"]["edgewright"]["generation"] == generation + 1
    assert admin.put(f"/v1/edgehosts/{uid}", json={"metadata": {"name": "n-1"}}).status_code == 204
    assert admin.get(f"/v1/edgehosts/{uid}").json()["metadata"]["name"] == "n-1"


def test_p54_a_users_device_is_taken_before_registration_and_refused_after(hub: RunningHub, token: str) -> None:
    admin, uid = hub.client(), unique("device")
    assert admin.post("/v1/edgehosts", json={"metadata": {"uid": uid}, "spec": {}}).status_code == 201
    wanted = {"metadata": {}, "spec": {"device": {"archType": "arm64"}}}
    assert admin.put(f"/v1/edgehosts/{uid}", json=wanted).status_code == 204
    assert admin.get(f"/v1/edgehosts/{uid}").json()["spec"]["device"]["archType"] == "arm64"
    assert hub.register(uid, token).status_code == 200
    answer = admin.put(f"/v1/edgehosts/{uid}", json=wanted)
    assert answer.status_code == 400 and "spec.device" in answer.json()["message"]
    assert admin.get(f"/v1/edgehosts/{uid}").json()["spec"]["device"]["archType"] == "amd64"


def test_p54_tunnel_settings_are_judged_after_the_change(hub: RunningHub, token: str) -> None:
    admin, uid = hub.client(), unique("tunnel")
    own = hub.host(uid, token)
    path, config = f"/v1/edgehosts/{uid}/tunnelConfig", protocol.path(protocol.HOST_CONFIG, uid=uid)
    alone = admin.patch(path, json={"remoteSshTempUser": "enabled"})
    assert alone.status_code == 422, "remote SSH is off"
    assert admin.patch(path, json={"remoteSsh": "enabled", "remoteSshTempUser": "enabled"}).status_code == 204
    assert admin.patch(path, json={"remoteSsh": "disabled"}).status_code == 204
    stored = admin.get(f"/v1/edgehosts/{uid}").json()["spec"]["tunnelConfig"]
    assert stored == {"remoteSsh": "disabled", "remoteSshTempUser": "disabled"}
    assert own.get(config).json()["tunnelConfig"] == stored, "and so is what the agent gets"


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        ({}, {"remoteSsh": "enabled"}, {"remoteSsh": "enabled"}),
        ({"remoteSsh": "enabled"}, TEMPORARY, {"remoteSsh": "enabled", **TEMPORARY}),
        (TEMPORARY, {}, {"remoteSshTempUser": "disabled"}),
    ],
)
def test_merge_tunnel(before: dict[str, Any], sent: dict[str, Any], after: dict[str, Any]) -> None:
    assert merge_tunnel(before, sent) == after


def test_a_pre_registration_with_a_temporary_user_needs_remote_ssh(hub: RunningHub) -> None:
    body = {"metadata": {"uid": unique("pre")}, "spec": {"tunnelConfig": {"remoteSshTempUser": "enabled"}}}
    assert hub.client().post("/v1/edgehosts", json=body).status_code == 422


def test_events_name_a_host_in_one_way_whoever_reports_them(hub: RunningHub, token: str) -> None:
    admin, uid = hub.client(), unique("ew")
    own = hub.host(uid, token)
    assert admin.put(f"/v1/edgehosts/{uid}", json={"metadata": {"name": "till-7"}}).status_code == 204
    reference = {"kind": "edgehost", "uid": uid, "name": uid}
    event = {"involvedObject": reference, "relatedObject": reference, "message": "m", "reason": "ByAgent"}
    assert own.post("/v1/events/components", json={**event, "severity": "Info"}).status_code == 201
    made = admin.post(f"/edgewright/v1/hosts/{uid}/operations", json={"kind": "reset"}).json()["uid"]
    done = {"state": "succeeded", "message": "ok"}
    assert own.post(f"/edgewright/v1/hosts/{uid}/operations/{made}/result", json=done).status_code == 204
    items = admin.get(f"/v1/events/components/edgehost/{uid}").json()["items"]
    names = {item["reason"]: item["involvedObject"]["name"] for item in items}
    assert names["ByAgent"] == names["OperationFinished"] == "till-7"
