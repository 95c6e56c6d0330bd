"""Rule P42 on a real hub: one that was stopped (SIGSTOP, as a paused VM or a machine that swaps) accuses no host."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import httpx
import pytest

from tests.hub_fixture import RunningHub, running_hub

pytestmark = pytest.mark.e2e  # 24 s of real limits; test_clock.py has the rule without them
LIMIT, FROZEN = 4.0, 7.0


class Beating:
    """Hosts that send a heartbeat twice a second, all but those in `silent`."""

    def __init__(self, hub: RunningHub, count: int) -> None:
        _, token = hub.token()
        self.hosts = {f"frozen-{number}": hub.host(f"frozen-{number}", token) for number in range(count)}
        self.silent: set[str] = set()
        self.pause = threading.Event()
        self.end = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.end.wait(0.5):
            if self.pause.is_set():
                continue
            for uid, client in self.hosts.items():
                if uid not in self.silent:
                    try:
                        client.patch(f"/v1/edgehosts/{uid}/health", json={"state": "healthy"}, timeout=30)
                    except httpx.HTTPError:
                        return


def judged(hub: RunningHub) -> dict[str, tuple[str, Any]]:
    items = hub.client().post("/v1/dashboard/edgehosts/search", json={}).json()["items"]
    return {
        item["metadata"]["uid"]: (item["status"]["health"].get("state"), item["status"]["edgewright"]["since"])
        for item in items
    }


def test_p42_a_hub_that_was_stopped_turns_no_host_unhealthy() -> None:
    # An interval near the limit: on a busy machine a late heartbeat of these clients would rightly move `since`.
    with running_hub("--silence-limit", str(LIMIT), "--heartbeat", "3", "--sweep", "0.1") as hub:
        fleet = Beating(hub, 6)
        try:
            fleet.silent.add("frozen-5")
            deadline = time.monotonic() + 4 * LIMIT
            while judged(hub)["frozen-5"][0] != "unhealthy":
                assert time.monotonic() < deadline
                time.sleep(0.1)
            before = judged(hub)
            assert [state for state, _ in before.values()].count("healthy") == 5
            fleet.pause.set()
            time.sleep(0.6)
            os.kill(hub.process.pid, signal.SIGSTOP)
            time.sleep(FROZEN)
            os.kill(hub.process.pid, signal.SIGCONT)
            for _ in range(10):  # before any host had time for its next heartbeat
                assert judged(hub) == before  # with the same `since`
                time.sleep(0.1)
            fleet.pause.clear()
            time.sleep(1.5 * LIMIT)
            assert judged(hub) == before
            for uid in before:
                items = hub.client().get(f"/v1/events/components/edgehost/{uid}").json()["items"]
                reasons = {item["reason"] for item in items} & {"HostUnhealthy", "HostRecovered"}
                assert reasons == ({"HostUnhealthy"} if uid == "frozen-5" else set())
            assert any("did not run for" in line["message"] for line in hub.log())
            fleet.silent.add("frozen-0")  # silence is still found
            deadline = time.monotonic() + 4 * LIMIT
            while judged(hub)["frozen-0"][0] != "unhealthy":
                assert time.monotonic() < deadline
                time.sleep(0.1)
        finally:
            fleet.end.set()
            fleet.thread.join()
