"""Rules P24 to P26 on the hub's side: each operation once, its end by time, late results, what reset leaves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from edgewright.core import times
from tests.hub.stream import Stream
from tests.hub_fixture import RunningHub, running_hub


@pytest.fixture(scope="module")
def hasty() -> Iterator[RunningHub]:
    """A hub whose operations end after a second."""
    with running_hub("--operation-deadline", "1", "--sweep", "0.1") as hub:
        yield hub


@pytest.fixture(scope="module")
def hasty_token(hasty: RunningHub) -> str:
    """A token of that hub."""
    return hasty.token("hasty")[1]


def ask(hub: RunningHub, uid: str, kind: str = "collect-logs", key: str = "") -> str:
    headers = {"Idempotency-Key": key} if key else {}
    answer = hub.client().post(f"/edgewright/v1/hosts/{uid}/operations", json={"kind": kind}, headers=headers)
    return str(answer.raise_for_status().json()["uid"])


def desired(host: httpx.Client, uid: str) -> dict[str, Any]:
    found: dict[str, Any] = host.get(f"/v1/edgehosts/{uid}/config").json()["edgewright"]
    return found


def one(hub: RunningHub, uid: str, operation: str) -> dict[str, Any]:
    found: dict[str, Any] = hub.client().get(f"/edgewright/v1/hosts/{uid}/operations/{operation}").json()
    return found


def wait_expired(hub: RunningHub, uid: str, operation: str) -> dict[str, Any]:
    for _ in range(100):
        found = one(hub, uid, operation)
        if found["state"] == "expired":
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def test_p24_an_operation_keeps_its_id_and_is_offered_until_its_result(hub: RunningHub, token: str) -> None:
    host = hub.host("o-1", token)
    first, second = ask(hub, "o-1", key="k"), ask(hub, "o-1")
    assert ask(hub, "o-1", key="k") == first and len(first) == 24
    for _ in range(3):  # asked again, also after a lost answer: the same ids in the same order
        assert [one["id"] for one in desired(host, "o-1")["operations"]] == [first, second]
    hub.client().post(f"/edgewright/v1/hosts/o-1/operations/{first}/result", json={"state": "failed"})
    assert len(desired(host, "o-1")["operations"]) == 2  # a user's word is not a result
    done = {"state": "refused", "message": "This kind is not known here."}
    assert host.post(f"/edgewright/v1/hosts/o-1/operations/{first}/result", json=done).status_code == 204
    assert [one["id"] for one in desired(host, "o-1")["operations"]] == [second]
    assert ask(hub, "o-1", key="k") == first  # the key still makes nothing new
    assert [one["id"] for one in desired(host, "o-1")["operations"]] == [second]


def test_p24_a_host_may_not_answer_for_another(hub: RunningHub, token: str) -> None:
    hub.host("o-2", token)
    other = hub.host("o-3", token)
    operation = ask(hub, "o-2")
    result = {"state": "succeeded", "message": ""}
    assert other.post(f"/edgewright/v1/hosts/o-2/operations/{operation}/result", json=result).status_code == 403
    mine = other.post(f"/edgewright/v1/hosts/o-3/operations/{operation}/result", json=result)
    assert (mine.status_code, mine.json()["code"]) == (404, "ResourceNotFound")


def test_p25_past_its_deadline_it_expires_and_is_not_offered(hasty: RunningHub, hasty_token: str) -> None:
    host = hasty.host("e-1", hasty_token)
    stream = Stream(hasty.client(), "/edgewright/v1/changes")
    operation = ask(hasty, "e-1")
    before = desired(host, "e-1")
    assert times.parse(before["operations"][0]["deadline"]) == pytest.approx(time.time() + 1, abs=1.5)
    found = wait_expired(hasty, "e-1", operation)
    assert found["result"] is None and found["finished"] is None
    after = desired(host, "e-1")
    assert after["operations"] == [] and after["generation"] == before["generation"] + 1  # P7
    told = stream.wait_for(lambda event: event["uid"] == operation and event["doc"]["state"] == "expired")
    assert told["doc"] == found  # P33: the whole document


def test_p25_a_late_result_is_kept_as_evidence(hasty: RunningHub, hasty_token: str) -> None:
    host = hasty.host("e-2", hasty_token)
    operation = ask(hasty, "e-2")
    wait_expired(hasty, "e-2", operation)
    generation = desired(host, "e-2")["generation"]
    path = f"/edgewright/v1/hosts/e-2/operations/{operation}/result"
    late = {"state": "succeeded", "message": "done", "finishedAt": "2026-11-23T08:00:00.000Z", "generation": 2}
    assert host.post(path, json=late).status_code == 204
    found = one(hasty, "e-2", operation)
    assert found["state"] == "expired" and found["result"]["state"] == "succeeded" and found["finished"]
    assert host.post(path, json=late).status_code == 204
    other = host.post(path, json={**late, "message": "something else"})
    assert (other.status_code, other.json()["code"]) == (409, "OperationAlreadyReported")
    assert desired(host, "e-2")["generation"] == generation  # nothing more to do, nothing to fetch


def test_p25_a_result_is_kept_over_a_kill(tmp_path: Any) -> None:
    with running_hub(data=tmp_path / "d") as hub:
        _, token = hub.token()
        host = hub.host("o-9", token)
        operation = ask(hub, "o-9")
        result = {"state": "succeeded", "message": "done"}
        path = f"/edgewright/v1/hosts/o-9/operations/{operation}/result"
        assert host.post(path, json=result).status_code == 204
        hub.kill()
        hub.start_again()
        assert one(hub, "o-9", operation)["state"] == "succeeded"
        again = hub.client(Authorization=host.headers["authorization"])
        assert again.post(path, json=result).status_code == 204
        assert again.post(path, json={**result, "state": "failed"}).status_code == 409


def test_p26_reset_leaves_identity_credential_and_facts(hub: RunningHub, token: str) -> None:
    host, admin = hub.host("o-4", token), hub.client()
    before = admin.get("/v1/edgehosts/o-4").json()
    assert admin.put("/v1/edgehosts/o-4/reset").status_code == 204
    operation = desired(host, "o-4")["operations"][0]["id"]
    done = {"state": "succeeded", "message": "The state of the cluster is gone."}
    assert host.post(f"/edgewright/v1/hosts/o-4/operations/{operation}/result", json=done).status_code == 204
    after = admin.get("/v1/edgehosts/o-4").json()
    assert after["spec"]["device"] == before["spec"]["device"] and after["metadata"]["uid"] == "o-4"
    assert after["status"]["state"] == "ready"
    assert host.patch("/v1/edgehosts/o-4/health", json={"state": "healthy"}).status_code == 204
    assert admin.put("/v1/edgehosts/o-4/reset").status_code == 204  # the first has ended: a new one is made
    assert desired(host, "o-4")["operations"][0]["id"] != operation
