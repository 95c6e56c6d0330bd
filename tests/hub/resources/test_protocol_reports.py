"""Rules P17 to P35 of docs/protocol.md: heartbeats, facts, operations, intents, logs, tunnel, change stream."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import Any

import httpx
import pytest

from edgewright.core import times
from tests.hub.stream import Stream
from tests.hub_fixture import RunningHub, running_hub

HEALTH = "/v1/edgehosts/{}/health"


def beat(seq: int | None = None, boot: str = "b1", state: str = "healthy", message: str = "", **more: Any) -> Any:
    extension: dict[str, Any] = {"bootId": boot, **more}
    if seq is not None:
        extension["seq"] = seq
    return {"state": state, "message": message, "agentVersion": "0.1.0", "edgewright": extension}


def judged(hub: RunningHub, uid: str) -> dict[str, Any]:
    found: dict[str, Any] = hub.client().get(f"/v1/edgehosts/{uid}").json()["status"]
    return found


def test_p17_heartbeat(hub: RunningHub, token: str) -> None:
    host = hub.host("r-1", token)
    answer = host.patch(HEALTH.format("r-1"), json=beat(1, load1=0.5))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["edgewright-generation"] == "1"
    assert answer.headers["edgewright-interval"] == "60"
    assert "date" in answer.headers  # P5
    status = judged(hub, "r-1")
    assert status["health"] == {"state": "healthy", "message": "", "agentVersion": "0.1.0"}
    assert status["edgewright"]["heartbeats"] == 1
    assert hub.client().get("/v1/edgehosts/r-1").json()["spec"]["edgewright"]["load1"] == 0.5


def test_p17_doubled_and_late_beats_change_nothing(hub: RunningHub, token: str) -> None:
    host = hub.host("r-2", token)
    path = HEALTH.format("r-2")
    for seq, boot, counted in ((5, "b1", 1), (5, "b1", 1), (4, "b1", 1), (6, "b1", 2), (0, "b2", 3), (9, "b1", 3)):
        assert host.patch(path, json=beat(seq, boot, message="old" if counted == 1 else "")).status_code == 204
        assert judged(hub, "r-2")["edgewright"]["heartbeats"] == counted, (seq, boot)
    assert host.patch(path, json=beat(None, "b2")).status_code == 204
    assert judged(hub, "r-2")["edgewright"]["heartbeats"] == 4


def test_p2_heartbeat_in_another_case(hub: RunningHub, token: str) -> None:
    host = hub.host("r-3", token)
    sent = {"State": "healthy", "MESSAGE": None, "Edgewright": {"Seq": 3, "BootID": "b"}, "novel": {"x": 1}}
    assert host.patch(HEALTH.format("r-3"), json=sent).status_code == 204
    assert judged(hub, "r-3")["edgewright"]["heartbeats"] == 1
    wrong = host.patch(HEALTH.format("r-3"), json={"state": "splendid"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, 606)


def test_p19_reported_unhealthy_and_back_makes_events(hub: RunningHub, token: str) -> None:
    host = hub.host("r-4", token)
    path = HEALTH.format("r-4")
    host.patch(path, json=beat(1))
    host.patch(path, json=beat(2, state="unhealthy", message="disk \x1b[31mfull"))
    status = judged(hub, "r-4")
    assert status["health"]["state"] == "unhealthy"
    assert "\x1b" not in status["edgewright"]["reason"]
    host.patch(path, json=beat(3))
    assert judged(hub, "r-4")["health"]["state"] == "healthy"
    reasons: list[str] = []
    for _ in range(100):  # the event is stored after the heartbeat is acknowledged
        listed = hub.client().get("/v1/events/components/edgehost/r-4").json()["items"]
        reasons = [item["reason"] for item in listed]
        if reasons[:2] == ["HostRecovered", "HostUnhealthy"]:
            break
        time.sleep(0.05)
    assert reasons[:2] == ["HostRecovered", "HostUnhealthy"]


def test_p20_facts_do_not_touch_what_is_the_planes(hub: RunningHub, token: str) -> None:
    host = hub.host("r-5", token)
    hub.client().patch("/v1/edgehosts/r-5/tunnelConfig", json={"remoteSsh": "enabled"})
    facts = {
        "spec": {
            "device": {"os": {"family": "debian"}, "novel": [1, None]},
            "tunnelConfig": {"remoteSsh": "disabled"},
            "host": {"hostAddress": "10.1.1.1", "hostAuthToken": "ewt_secret"},
        },
        "status": {"state": "in-use", "edgewright": {"healthState": "healthy"}},
    }
    assert host.put("/v1/edgehosts/r-5", json=facts).status_code == 204
    document = hub.client().get("/v1/edgehosts/r-5").json()
    assert document["spec"]["device"] == {"os": {"family": "debian"}, "novel": [1, None]}
    assert document["spec"]["tunnelConfig"]["remoteSsh"] == "enabled"
    assert document["status"]["state"] == "ready"
    assert document["status"]["edgewright"]["healthState"] == "unknown"
    assert "ewt_secret" not in json.dumps(document)


def test_p21_events_are_stored_once(hub: RunningHub, token: str, stream: Stream) -> None:
    host = hub.host("r-6", token)
    event = {"metadata": {"uid": "1" * 24}, "message": "a\x07b", "reason": "Boot", "severity": "Info"}
    first = host.post("/v1/events/components/bulk", json=[event, {**event, "metadata": {"uid": "2" * 24}}])
    assert first.status_code == 201
    assert host.post("/v1/events/components/bulk", json=[event]).status_code == 201
    items = hub.client().get("/v1/events/components/edgehost/r-6?filters=reason=Boot").json()["items"]
    assert sorted(item["metadata"]["uid"] for item in items) == ["1" * 24, "2" * 24]
    assert items[0]["message"] == "a\ufffdb"
    last = {**event, "metadata": {"uid": "3" * 24}}
    assert host.post("/v1/events/components", json=last).status_code == 201
    stream.wait("event", "3" * 24)
    streamed = [each["uid"] for each in stream.events if each["event"] == "event" and set(each["uid"]) <= set("123")]
    assert streamed == ["1" * 24, "2" * 24, "3" * 24]  # what is known is no change
    stranger = {**event, "relatedObject": {"kind": "edgehost", "uid": "r-5"}}
    assert host.post("/v1/events/components", json=stranger).status_code == 403
    many = [{**event, "metadata": {"uid": f"{number:024x}"}} for number in range(101)]
    assert host.post("/v1/events/components/bulk", json=many).json()["code"] == 611


def test_p22_p25_operation_from_request_to_result(hub: RunningHub, token: str) -> None:
    host, admin = hub.host("r-7", token), hub.client()
    path = "/edgewright/v1/hosts/r-7/operations"
    sent = {"kind": "collect-logs", "params": {"lines": 20}}
    first = admin.post(path, json=sent, headers={"Idempotency-Key": "k1"})
    assert first.status_code == 201
    assert admin.post(path, json=sent, headers={"Idempotency-Key": "k1"}).json() == first.json()
    other = admin.post(path, json={"kind": "reset"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (409, "IdempotencyKeyReused")
    assert admin.post(path, json={"kind": "explode"}).json()["code"] == 606
    desired = host.get("/v1/edgehosts/r-7/config")
    block = desired.json()["edgewright"]
    assert (block["generation"], len(block["operations"])) == (2, 1)
    uid = block["operations"][0]["id"]
    etag = desired.headers["etag"]
    assert host.get("/v1/edgehosts/r-7/config", headers={"If-None-Match": etag}).status_code == 304
    result = {"state": "succeeded", "message": "done", "generation": 2}
    done = f"{path}/{uid}/result"
    assert host.post(done, json=result).status_code == 204
    assert host.post(done, json=result).status_code == 204
    again = host.post(done, json={**result, "state": "failed"})
    assert (again.status_code, again.json()["code"]) == (409, "OperationAlreadyReported")
    assert host.post(f"{path}/{'0' * 24}/result", json=result).json()["code"] == "ResourceNotFound"
    assert admin.get(f"{path}/{uid}").json()["state"] == "succeeded"
    after = host.get("/v1/edgehosts/r-7/config").json()["edgewright"]
    assert (after["generation"], after["operations"]) == (3, [])  # P7: the end raises it too


def test_p23_reset_makes_one_operation(hub: RunningHub, token: str) -> None:
    host, admin = hub.host("r-8", token), hub.client()
    for _ in range(2):
        assert admin.put("/v1/edgehosts/r-8/reset").status_code == 204
    operations = host.get("/v1/edgehosts/r-8/config").json()["edgewright"]["operations"]
    assert [operation["kind"] for operation in operations] == ["reset"]


def test_p28_intents(hub: RunningHub, token: str) -> None:
    host, admin = hub.host("r-9", token), hub.client()
    admin.put("/v1/edgehosts/r-9/meta", json={"metadata": {"labels": {"site": "rome"}}})
    path = "/edgewright/v1/hosts/r-9/intents"

    def offer(uid: str, generation: int) -> httpx.Response:
        base = {"generation": generation, "value": {"site": "berlin"}}
        return host.post(path, json={"id": uid, "field": "metadata.labels", "base": base, "value": {"site": "bari"}})

    clash, fine = offer("a" * 24, 1), offer("b" * 24, 2)
    assert (clash.status_code, clash.json()["state"]) == (201, "conflict")
    assert (fine.status_code, fine.json()["state"]) == (201, "offered")
    again = offer("a" * 24, 2)
    assert (again.status_code, again.json()) == (200, clash.json())
    assert admin.get("/v1/edgehosts/r-9").json()["metadata"]["labels"] == {"site": "rome"}
    assert len(admin.get(path).json()["items"]) == 2


def test_p29_log_pieces_are_stored_once_and_in_order(hub: RunningHub, token: str) -> None:
    host, admin = hub.host("r-10", token), hub.client()
    made = admin.post("/edgewright/v1/hosts/r-10/operations", json={"kind": "collect-logs"}).json()["uid"]
    path = "/edgewright/v1/hosts/r-10/logs"
    for offset, lines in ((2, ["c\x1b[2J"]), (0, ["a", "b"]), (0, ["x", "y"])):
        sent = {"operationId": made, "offset": offset, "lines": lines, "last": offset == 2}
        assert host.post(path, json=sent).status_code == 204
    log = admin.get(path, params={"operationId": made}).json()
    assert (log["lines"], log["complete"]) == (["a", "b", "c\ufffd[2J"], True)
    unknown = host.post(path, json={"operationId": "0" * 24, "offset": 0, "lines": []})
    assert unknown.status_code == 404


def test_p30_tunnel(hub: RunningHub, token: str) -> None:
    host, admin = hub.host("r-11", token), hub.client()
    assert admin.patch("/v1/edgehosts/r-11/tunnelConfig", json={"remoteSsh": "enabled"}).status_code == 204
    desired = host.get("/v1/edgehosts/r-11/config").json()
    assert (desired["tunnelConfig"]["remoteSsh"], desired["edgewright"]["generation"]) == ("enabled", 2)
    status = {"ssh": {"state": "Failed", "message": "no tunnel yet"}}
    assert host.patch("/v1/edgehosts/r-11/tunnelStatus", json=status).status_code == 204
    assert admin.get("/v1/edgehosts/r-11").json()["status"]["tunnelStatus"] == status
    assert admin.get("/edgewright/v1/hosts/r-11/tunnel").status_code == 403
    assert host.get("/edgewright/v1/hosts/r-11/tunnel").json() == {"streams": []}


def test_p31_features_need_no_credential(hub: RunningHub) -> None:
    found = hub.anonymous().get("/edgewright/v1/features").json()
    assert (found["product"], found["stream"], found["pageLimit"]) == ("edgewright-hub", "/edgewright/v1/changes", 1000)
    ends = {entry["name"]: (times.parse(entry["ends"]) or 0.0) - times.now() for entry in found["certificates"]}
    assert 390 < ends["server"] / times.DAY < 398 and 3640 < ends["ca"] / times.DAY < 3651


@pytest.fixture
def stream(hub: RunningHub) -> Stream:
    """Read the changes; the reading ends with the hub, never by closing the socket under the reader."""
    return Stream(hub.client(), "/edgewright/v1/changes")


def test_p33_changes_are_streamed(hub: RunningHub, token: str, stream: Stream) -> None:
    host = hub.host("s-1", token)
    put = stream.wait("host", "s-1")
    assert (put["op"], put["doc"]["metadata"]["uid"], str(put["seq"])) == ("put", "s-1", put["id"])
    host.patch(HEALTH.format("s-1"), json=beat(1))
    later = Stream(hub.client(), f"/edgewright/v1/changes?since={put['seq']}")
    assert later.wait("host", "s-1")["doc"]["status"]["health"]["state"] == "healthy"
    hub.client().delete("/v1/edgehosts/s-1")
    with stream.grew:
        assert stream.grew.wait_for(lambda: any(e["op"] == "delete" for e in stream.events), 10)
    assert "ewh_" not in json.dumps(stream.events) and token not in json.dumps(stream.events)  # P35


@pytest.mark.parametrize("since", ["1", "99999999999999"])
def test_p33_a_number_out_of_reach_gets_resync(hub: RunningHub, since: str) -> None:
    assert Stream(hub.client(), "/edgewright/v1/changes", **{"Last-Event-ID": since}).wait("resync", "")["seq"] > 1


def test_p34_liveness_alone_is_told_rarely(hub: RunningHub, token: str, stream: Stream) -> None:
    host = hub.host("s-2", token)
    for seq in range(1, 20):
        host.patch(HEALTH.format("s-2"), json=beat(seq))
        time.sleep(0.03)  # changes of the same host within 20 ms are one event in any case (P64)
    host.patch(HEALTH.format("s-2"), json=beat(30, state="unhealthy", message="sick"))
    with stream.grew:
        assert stream.grew.wait_for(
            lambda: any("sick" in json.dumps(e) for e in stream.events if e["uid"] == "s-2"), 10
        )
    assert sum(e["event"] == "host" and e["uid"] == "s-2" for e in stream.events) <= 4


def test_p35_scope_of_the_stream(hub: RunningHub, token: str) -> None:
    other = hub.client().post("/v1/projects", json={"metadata": {"name": "other"}}).json()["uid"]
    scoped = Stream(hub.client(), "/edgewright/v1/changes", ProjectUid=other)
    hub.host("s-3", token)
    admin = hub.client(ApiKey=hub.admin_key, ProjectUid=other)
    admin.post("/v1/edgehosts", json={"metadata": {"uid": "s-4"}})
    scoped.wait("host", "s-4")
    assert not [event for event in scoped.events if event["uid"] == "s-3"]
    assert admin.get("/v1/edgehosts/s-3").json()["code"] == "OperationForbidden"
    assert admin.get("/v1/edgehosts/s-4").status_code == 200


def test_p18_silence_reason_clock_and_recovery() -> None:
    with running_hub("--silence-limit", "2", "--heartbeat", "0.5", "--sweep", "0.1") as hub:
        _, token = hub.token()
        host = hub.host("q-1", token)
        began = time.monotonic()
        host.patch(HEALTH.format("q-1"), json=beat(1))
        stream = Stream(hub.client(), "/edgewright/v1/changes")
        hub.client().post("/v1/edgehosts", json={"metadata": {"uid": "q-2"}})
        with stream.grew:
            assert stream.grew.wait_for(
                lambda: any(e["event"] == "event" and e["doc"]["reason"] == "HostUnhealthy" for e in stream.events), 10
            )
        assert time.monotonic() - began >= 2  # at the limit, not before
        status = judged(hub, "q-1")
        assert status["health"]["state"] == "unhealthy"
        assert "No heartbeat from q-1" in status["edgewright"]["reason"]
        assert status["edgewright"]["deadline"] and status["edgewright"]["who"] == "person"
        assert judged(hub, "q-2")["edgewright"]["healthState"] == "unknown"  # an unpaired host for ever
        host.patch(HEALTH.format("q-1"), json=beat(2))
        back = judged(hub, "q-1")
        assert back["health"]["state"] == "healthy"
        assert back["edgewright"]["since"] > status["edgewright"]["deadline"]  # not since before its silence
        with stream.grew:  # the event is written after the answer
            assert stream.grew.wait_for(
                lambda: any(e["event"] == "event" and e["doc"]["reason"] == "HostRecovered" for e in stream.events), 10
            )
        reasons = [e["message"] for e in hub.client().get("/v1/events/components/edgehost/q-1").json()["items"]]
        assert any("is back after" in reason for reason in reasons)


def test_p18_an_outage_of_the_hub_turns_no_host_unhealthy() -> None:
    with running_hub("--silence-limit", "3", "--sweep", "0.1") as hub:
        _, token = hub.token()
        hub.host("q-1", token).patch(HEALTH.format("q-1"), json=beat(1))
        hub.kill()
        time.sleep(3.2)
        hub.start_again()
        assert judged(hub, "q-1")["health"]["state"] == "healthy"


def test_p17_a_replaced_boot_stays_replaced_over_a_restart_of_the_hub() -> None:
    with running_hub() as hub:
        host = hub.host("r-30", hub.token()[1])
        path = HEALTH.format("r-30")
        for number in range(7):
            assert host.patch(path, json=beat(9, f"boot-{number}")).status_code == 204
        hub.kill()
        hub.start_again()
        host = hub.client(Authorization=host.headers["Authorization"])
        for late in (beat(10, "boot-5", message="late"), beat(8, "boot-6", message="late")):
            assert host.patch(path, json=late).status_code == 204
        document = hub.client().get("/v1/edgehosts/r-30").json()
        assert document["status"]["edgewright"]["heartbeats"] == 7 and "late" not in str(document)
        assert host.patch(path, json=beat(10, "boot-6")).status_code == 204
        assert judged(hub, "r-30")["edgewright"]["heartbeats"] == 8
        with closing(sqlite3.connect(f"file:{hub.data / 'hub.db'}?mode=ro", uri=True)) as database:
            stored = json.loads(database.execute("select gone_boots from heartbeats").fetchone()[0])
        assert stored == ["boot-2", "boot-3", "boot-4", "boot-5"], "bounded"
