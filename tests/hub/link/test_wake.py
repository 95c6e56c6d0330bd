"""Rule P77: a host that waits on an idle connection learns of work at once."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from edgewright.wire import protocol
from tests.hub_fixture import RunningHub, running_hub


def lineage(hub: RunningHub) -> str:
    return str(hub.client().get(protocol.HUB_STATUS).json()["lineage"])


class Waiting(threading.Thread):
    """One request that waits, in a thread of its own."""

    def __init__(self, host: httpx.Client, uid: str, generation: int, name: str, seconds: int = 60) -> None:
        super().__init__(daemon=True)
        query: dict[str, Any] = {"generation": generation, "lineage": name, "seconds": seconds}
        self._request = (host, protocol.path(protocol.HOST_WAKE, uid=uid), query)
        self.answer: httpx.Response | None = None
        self.took = 0.0
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        host, path, query = self._request
        self.answer = host.get(path, params=query, timeout=70)
        self.took = time.monotonic() - began

    def headers(self) -> dict[str, str]:
        self.join(20)
        assert self.answer is not None, "it still waits"
        assert self.answer.status_code == 204
        return {name: value for name, value in self.answer.headers.items() if name.startswith("edgewright")}


def wait_until_it_waits(waiting: Waiting) -> None:
    time.sleep(0.4)
    assert waiting.is_alive()


def test_p77_work_answers_the_request_at_once(hub: RunningHub, token: str) -> None:
    host, name = hub.host("w-1", token), lineage(hub)
    host.patch(
        "/v1/edgehosts/w-1/health", json={"state": "healthy", "edgewright": {"observedGeneration": 1, "lineage": name}}
    )
    waiting = Waiting(host, "w-1", 1, name)
    wait_until_it_waits(waiting)
    began = time.monotonic()
    hub.client().post("/edgewright/v1/hosts/w-1/operations", json={"kind": "collect-logs", "params": {"lines": 1}})
    headers = waiting.headers()
    assert time.monotonic() - began < 3
    assert headers["edgewright-generation"] == "2" and headers["edgewright-lineage"] == name


def test_p77_what_is_new_already_is_answered_without_waiting(hub: RunningHub, token: str) -> None:
    host, name = hub.host("w-2", token), lineage(hub)
    assert Waiting(host, "w-2", 0, name).headers()["edgewright-generation"] == "1"
    assert Waiting(host, "w-2", 1, "0" * 16).headers()["edgewright-lineage"] == name


def test_p77_a_newer_request_ends_the_older_and_the_time_ends_it_too(hub: RunningHub, token: str) -> None:
    host, name = hub.host("w-3", token), lineage(hub)
    first = Waiting(host, "w-3", 1, name)
    wait_until_it_waits(first)
    second = Waiting(host, "w-3", 1, name, seconds=1)
    first.headers()
    second.headers()
    assert 0.5 < second.took < 10


def test_p77_only_the_host_itself_may_wait_and_a_deleted_one_is_answered(hub: RunningHub, token: str) -> None:
    host, name = hub.host("w-4", token), lineage(hub)
    path = protocol.path(protocol.HOST_WAKE, uid="w-4")
    assert hub.client().get(path).status_code == 403
    assert hub.host("w-5", token).get(path).status_code == 403
    waiting = Waiting(host, "w-4", 1, name)
    wait_until_it_waits(waiting)
    hub.client().delete("/v1/edgehosts/w-4")
    waiting.join(10)
    assert not waiting.is_alive()
    assert host.get(path).status_code == 401


def test_p77_the_hub_ends_although_hosts_wait() -> None:
    with running_hub() as hub:
        _, token = hub.token("t")
        host, name = hub.host("w-6", token), lineage(hub)
        waiting = Waiting(host, "w-6", 1, name)
        wait_until_it_waits(waiting)
        began = time.monotonic()
        assert hub.stop() == 0
        assert time.monotonic() - began < 10
        waiting.join(5)
        assert waiting.answer is not None and waiting.answer.status_code == 204
