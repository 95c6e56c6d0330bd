"""What all hosts are asked to do, in one list and in the change stream: P23 and P25 of docs/protocol.md."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.hub_fixture import RunningHub, running_hub


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub() as started:
        yield started


def test_p23_pending_ones_come_first_and_finished_ones_follow(hub: RunningHub) -> None:
    _, token = hub.token()
    host, admin = hub.host("o-1", token), hub.client()
    hub.host("o-2", token)
    asked = "/edgewright/v1/hosts/{}/operations"
    done = admin.post(asked.format("o-1"), json={"kind": "reset"}).json()["uid"]
    host.post(f"{asked.format('o-1')}/{done}/result", json={"state": "succeeded", "message": "forgot it"})
    first = admin.post(asked.format("o-1"), json={"kind": "reset"}).json()["uid"]
    second = admin.post(asked.format("o-2"), json={"kind": "collect-logs"}).json()["uid"]
    items = admin.get("/edgewright/v1/operations").json()["items"]
    assert [item["id"] for item in items] == [second, first, done]
    assert [item["state"] for item in items] == ["pending", "pending", "succeeded"]
    assert items[2]["result"]["message"] == "forgot it" and items[2]["finished"]
    assert hub.viewer().get("/edgewright/v1/operations").status_code == 200
    assert host.get("/edgewright/v1/operations").status_code in (401, 403)
    other = admin.post("/v1/projects", json={"metadata": {"name": "elsewhere"}}).json()["uid"]
    scoped = hub.client(ApiKey=hub.admin_key, ProjectUid=other)
    assert scoped.get("/edgewright/v1/operations").json()["items"] == []


def test_p25_an_overdue_operation_is_told_with_its_whole_document() -> None:
    with running_hub("--sweep", "0.1") as hub:
        _, token = hub.token()
        hub.host("o-3", token)
        admin = hub.client()
        uid = admin.post("/edgewright/v1/hosts/o-3/operations", json={"kind": "reset"}).json()["uid"]
        import sqlite3

        with sqlite3.connect(hub.data / "hub.db", timeout=10) as database:
            database.execute("UPDATE operations SET deadline = ? WHERE id = ?", (time.time() - 1, uid))
        with admin.stream("GET", "/edgewright/v1/changes?since=1") as stream:
            told = ""
            for line in stream.iter_lines():
                told = line
                if '"expired"' in line:
                    break
        assert '"hostUid":"o-3"' in told and uid in told
