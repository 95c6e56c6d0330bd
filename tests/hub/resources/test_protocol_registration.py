"""Rules P8 to P16 and P27 of docs/protocol.md: registration, credential, tokens, approval, deletion."""

from __future__ import annotations

import hashlib
import time

from edgewright.core import times
from tests.hub_fixture import RunningHub, running_hub


def code(answer: object) -> object:
    return answer.json()["code"]  # type: ignore[attr-defined]


def test_p8_registration_gives_document_and_credential(hub: RunningHub, token: str) -> None:
    answer = hub.register("edge-1", token)
    assert answer.status_code == 200
    document = answer.json()
    assert document["status"]["state"] == "ready"
    assert document["status"]["edgewright"]["generation"] == 1
    assert "state" not in document["status"]["health"]
    assert document["metadata"]["labels"] == {"site": "berlin"}
    read = hub.client().get("/v1/edgehosts/edge-1").text
    stored = b"".join(file.read_bytes() for file in hub.data.glob("hub.db*"))
    assert b'"hostUid":"edge-1"' in stored
    for secret in (token, document["status"]["serviceAuthToken"], "a" * 32):
        assert secret not in read
        assert secret.encode() not in stored, "on disk it is hashed or encrypted"


def test_p9_same_registration_id_is_the_same_registration(hub: RunningHub, token: str) -> None:
    first = hub.register("edge-2", token).json()["status"]["serviceAuthToken"]
    again = hub.register("edge-2", token)
    assert again.status_code == 200
    second = again.json()["status"]["serviceAuthToken"]
    assert second != first
    # P10: the older one is good until the newer one has been used once
    assert hub.client(Authorization=first).get("/v1/edgehosts/edge-2/config").status_code == 200
    assert hub.client(Authorization=second).get("/v1/edgehosts/edge-2/config").status_code == 200
    late = hub.client(Authorization=first).get("/v1/edgehosts/edge-2/config")
    assert (late.status_code, code(late)) == (401, "UnAuthorizedAccess")


def test_p9_another_registration_id_is_a_duplicate(hub: RunningHub, token: str) -> None:
    hub.register("edge-3", token)
    answer = hub.register("edge-3", token, "b" * 32)
    assert (answer.status_code, code(answer)) == (409, "DuplicateEdgeHostUid")
    assert hub.client().delete("/v1/edgehosts/edge-3").status_code == 204
    assert hub.register("edge-3", token, "b" * 32).status_code == 200


def test_p10_credential_form(hub: RunningHub, token: str) -> None:
    credential = hub.register("edge-4", token).json()["status"]["serviceAuthToken"]
    assert credential.startswith("ewh_" + hashlib.sha256(b"edge-4").hexdigest()[:8] + "_")


def test_p11_tokens_are_refused_with_their_own_reason(hub: RunningHub) -> None:
    unknown = hub.register("edge-5", "ewt_nobody")
    assert (unknown.status_code, code(unknown)) == (401, "InvalidEdgeToken")
    uid, text = hub.token("p11")
    hub.client().put(f"/v1/edgehosts/tokens/{uid}/state", json={"isActive": False})
    revoked = hub.register("edge-5", text)
    assert (revoked.status_code, code(revoked)) == (401, "EdgeTokenRevoked")
    hub.client().put(f"/v1/edgehosts/tokens/{uid}/state", json={"isActive": True})
    ends = times.rfc3339(times.now() + 1.5)  # a busy machine may take a while for the update: it must not be over then
    assert hub.client().put(f"/v1/edgehosts/tokens/{uid}", json={"spec": {"expiry": ends}}).status_code == 204
    time.sleep(1.6)
    expired = hub.register("edge-5", text)
    assert (expired.status_code, code(expired)) == (401, "EdgeTokenExpired")
    assert ends[:19] in expired.json()["message"]


def test_p11_revoking_a_token_leaves_its_hosts(hub: RunningHub) -> None:
    uid, text = hub.token("p11-stay")
    host = hub.host("edge-6", text)
    hub.client().put(f"/v1/edgehosts/tokens/{uid}/state", json={"isActive": False})
    assert host.patch("/v1/edgehosts/edge-6/health", json={"state": "healthy"}).status_code == 204
    listed = hub.client().get(f"/edgewright/v1/tokens/{uid}/hosts").json()["items"]
    assert [item["uid"] for item in listed] == ["edge-6"]
    assert hub.client().get(f"/v1/edgehosts/tokens/{uid}").json()["status"]["edgewright"]["hosts"] == 1


def test_p12_project_is_required_and_must_exist(hub: RunningHub) -> None:
    admin = hub.client()
    uid = admin.post("/v1/edgehosts/tokens", json={"metadata": {"name": "no-project"}}).json()["uid"]
    text = admin.get(f"/v1/edgehosts/tokens/{uid}").json()["spec"]["token"]
    none = hub.register("edge-7", text)
    assert (none.status_code, code(none)) == (400, "ProjectRequired")
    body = {
        "metadata": {"uid": "edge-7"},
        "spec": {"host": {"hostUid": "edge-7", "hostAddress": "", "hostAuthToken": text, "project": {"name": "nope"}}},
    }
    wrong = hub.anonymous().post("/v1/edgehosts/register", json=body)
    assert (wrong.status_code, code(wrong)) == (404, "ResourceNotFound")
    body["spec"]["host"]["project"] = {"name": "Default"}  # type: ignore[index]
    assert hub.anonymous().post("/v1/edgehosts/register", json=body).status_code == 200


def test_p13_approval_and_pairing_key(hub: RunningHub, token: str) -> None:
    admin = hub.client()

    def ask(key: str = "", text: str = "", registration: str = "c" * 32) -> object:
        host = {"hostUid": "edge-8", "hostAddress": "", "disableAutoRegister": True}
        host.update({"hostPairingKey": key} if key else {}, **({"hostAuthToken": text} if text else {}))
        body = {
            "metadata": {"uid": "edge-8", "labels": {"rack": "7", "site": "bonn"}},
            "spec": {"host": host, "edgewright": {"registrationId": registration}},
        }
        return hub.anonymous().post("/v1/edgehosts/register", json=body)

    waiting = ask(text=token)
    assert (waiting.status_code, code(waiting)) == (403, "EdgeHostNotPreRegistered")  # type: ignore[attr-defined]
    assert ask(key="k").status_code == 403  # type: ignore[attr-defined]
    made = admin.post(
        "/v1/edgehosts",
        json={"metadata": {"uid": "edge-8", "labels": {"site": "berlin"}}, "spec": {"hostPairingKey": "right"}},
    )
    assert (made.status_code, made.json()) == (201, {"uid": "edge-8"})
    assert admin.get("/v1/edgehosts/edge-8").json()["status"]["state"] == "unpaired"
    wrong = ask(key="wrong", text=token)
    assert (wrong.status_code, code(wrong)) == (401, "InvalidPairingKey")  # type: ignore[attr-defined]
    right = ask(key="right")
    assert right.status_code == 200  # type: ignore[attr-defined]
    document = right.json()  # type: ignore[attr-defined]
    assert document["status"]["state"] == "ready"
    assert document["metadata"]["labels"] == {"rack": "7", "site": "berlin"}  # P15: the plane's win
    assert ask(key="right").status_code == 200  # type: ignore[attr-defined]


def test_p14_uid_rules(hub: RunningHub, token: str) -> None:
    long = hub.register("x" * 129, token)
    assert (long.status_code, code(long)) == (422, 603)
    for uid in ("a/b", "a;b", "a\x1b[31m", "a\u202eb"):
        answer = hub.register(uid, token)
        assert (answer.status_code, code(answer)) == (422, 605), uid


def test_p15_labels_of_later_reports_are_ignored(hub: RunningHub, token: str) -> None:
    host = hub.host("edge-9", token)
    sent = {"metadata": {"labels": {"site": "paris", "rack": "7"}}, "spec": {"device": {"cpu": {"cores": 8}}}}
    assert host.put("/v1/edgehosts/edge-9", json=sent).status_code == 204
    document = hub.client().get("/v1/edgehosts/edge-9").json()
    assert document["metadata"]["labels"] == {"site": "berlin"}
    assert document["spec"]["device"]["cpu"]["cores"] == 8


def test_p16_deleted_host_is_told_so(hub: RunningHub, token: str) -> None:
    host = hub.host("edge-10", token)
    assert hub.client().delete("/v1/edgehosts/edge-10").status_code == 204
    gone = host.patch("/v1/edgehosts/edge-10/health", json={"state": "healthy"})
    assert (gone.status_code, code(gone)) == (401, "HostGone")
    missing = hub.client().get("/v1/edgehosts/edge-10")
    assert (missing.status_code, code(missing)) == (404, "ResourceNotFound")


def test_p16_a_deleted_host_is_told_so_after_a_restart_of_the_hub_too() -> None:
    with running_hub() as own:
        credential = own.host("edge-20", own.token()[1]).headers["Authorization"]
        assert own.client().delete("/v1/edgehosts/edge-20").status_code == 204
        own.kill()
        own.start_again()
        gone = own.client(Authorization=credential).patch("/v1/edgehosts/edge-20/health", json={"state": "healthy"})
        assert (gone.status_code, code(gone)) == (401, "HostGone")


def test_p27_observed_host_is_only_watched(hub: RunningHub, token: str) -> None:
    host = hub.host("edge-11", token, observed=True)
    admin = hub.client()
    for method, path, body in (
        ("PUT", "/v1/edgehosts/edge-11/reset", None),
        ("PATCH", "/v1/edgehosts/edge-11/tunnelConfig", {"remoteSsh": "enabled"}),
        ("PUT", "/v1/edgehosts/edge-11/meta", {"metadata": {"labels": {}}}),
        ("DELETE", "/v1/edgehosts/edge-11", None),
        ("POST", "/edgewright/v1/hosts/edge-11/operations", {"kind": "reset"}),
    ):
        answer = admin.request(method, path, json=body)
        assert (answer.status_code, code(answer)) == (403, "OperationForbidden"), path
        assert "only observed" in answer.json()["message"]
    assert host.put("/v1/edgehosts/edge-11", json={"spec": {"edgewright": {"observed": False}}}).status_code == 204
    assert admin.get("/v1/edgehosts/edge-11").json()["spec"]["edgewright"]["observed"] is True


def test_p6_host_credential_opens_its_own_calls_only(hub: RunningHub, token: str) -> None:
    host = hub.host("edge-12", token)
    hub.host(
        "edge-13",
        token,
    )
    for method, path in (
        ("PATCH", "/v1/edgehosts/edge-13/health"),
        ("GET", "/v1/edgehosts/edge-13"),
        ("GET", "/v1/edgehosts/tokens"),
        ("DELETE", "/v1/edgehosts/edge-12"),
        ("GET", "/v1/audits"),
    ):
        answer = host.request(method, path)
        assert (answer.status_code, code(answer)) == (403, "OperationForbidden"), path
    viewer = hub.viewer()
    assert viewer.get("/v1/edgehosts/edge-12").status_code == 200
    for method, path in (("DELETE", "/v1/edgehosts/edge-12"), ("POST", "/v1/edgehosts"), ("POST", "/v1/apiKeys")):
        answer = viewer.request(method, path, json={})
        assert (answer.status_code, code(answer)) == (403, "OperationForbidden"), path
    assert "token" not in viewer.get("/v1/edgehosts/tokens").json()["items"][0]["spec"]
