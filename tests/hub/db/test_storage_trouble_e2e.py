"""A hub with a full disk, or without its PostgreSQL, as processes of their own (P43)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hub_fixture import RunningHub, running_hub
from tests.postgres import Cluster
from tests.support import ROOT


def status(data: Path) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "edgewright.hub.process.cli", "status", "--data", str(data), "-o", "json"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd=ROOT)
    return found.returncode, json.loads(found.stdout)


def judged(hub: RunningHub) -> dict[str, str]:
    items = hub.client().post("/v1/dashboard/edgehosts/search", json={}).json()["items"]
    return {item["metadata"]["uid"]: item["status"]["health"].get("state") for item in items}


def follow(hub: RunningHub, hosts: dict[str, httpx.Client], seconds: float) -> set[int]:
    """Let the hosts send heartbeats, twice a second; return the answers that they got."""
    answers, end = set(), time.monotonic() + seconds
    while time.monotonic() < end:
        for uid, client in hosts.items():
            body = {"state": "healthy", "message": "x" * 900}
            answers.add(client.patch(f"/v1/edgehosts/{uid}/health", json=body).status_code)
        time.sleep(0.5)
    return answers


def wait_for(hub: RunningHub, hosts: dict[str, httpx.Client], ready: Callable[[dict[str, Any]], bool]) -> None:
    for _ in range(60):
        follow(hub, hosts, 0.1)
        if ready(status(hub.data)[1]):
            return
    raise AssertionError("it did not happen in time")


@pytest.mark.e2e
def test_p43_a_full_disk_turns_no_host_unhealthy(small_disk: Path) -> None:
    with running_hub("--silence-limit", "3", "--heartbeat", "1", "--sweep", "0.1", data=small_disk / "data") as hub:
        _, token = hub.token()
        hosts = {f"full-{number}": hub.host(f"full-{number}", token) for number in range(8)}
        dead = hub.host("full-dead", token)
        dead.patch("/v1/edgehosts/full-dead/health", json={"state": "healthy"})
        follow(hub, hosts, 0.2)
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        for number in range(400):  # until the log of the database takes no more
            if hub.client().post("/v1/edgehosts", json={"metadata": {"uid": f"full-p{number}"}}).status_code == 507:
                break
        follow(hub, hosts, 9)
        states = judged(hub)
        assert {uid for uid, state in states.items() if state == "unhealthy"} == {"full-dead"}
        code, told = status(hub.data)
        assert code == 1 and "because disk full" in told["storage"] and told["storageNext"].startswith("Free space")
        ballast.unlink()
        wait_for(hub, hosts, lambda told: bool(told["storage"] == "ok" and not told["storageWaiting"]))
        assert status(hub.data)[0] == 0
        items = hub.client().get("/v1/events/components").json()["items"]
        told_of = {(item["reason"], item["involvedObject"]["uid"]) for item in items}
        assert ("HostUnhealthy", "full-dead") in told_of
        assert {uid for reason, uid in told_of if reason == "HostUnhealthy"} == {"full-dead"}
        assert {"StorageFailing", "StorageRecovered"} <= {reason for reason, _ in told_of}


@pytest.mark.e2e
def test_p43_postgresql_that_is_gone_turns_no_host_unhealthy(tmp_path: Path, postgres: Cluster) -> None:
    arguments = ("--silence-limit", "3", "--heartbeat", "1", "--sweep", "0.1", "--db", postgres.url(postgres.create()))
    with running_hub(*arguments, data=tmp_path / "d") as hub:
        _, token = hub.token()
        hosts = {f"pg-{number}": hub.host(f"pg-{number}", token) for number in range(4)}
        assert follow(hub, hosts, 0.2) == {204}
        postgres.stop()
        try:
            assert 503 in follow(hub, hosts, 7)
            alone = hub.client().get("/v1/users/info")  # P68: no other hub can have revoked a credential
            assert alone.status_code == 200
            refused = hub.client().post("/v1/projects", json={"metadata": {"name": "lost"}})
            assert refused.status_code == 503 and "nothing of this request was stored" in refused.json()["message"]
            code, told = status(hub.data)
            assert code == 1 and "because database does not answer" in told["storage"] and told["storageNext"]
        finally:
            postgres.start()
        wait_for(hub, hosts, lambda told: bool(told.get("storage") == "ok"))
        assert follow(hub, hosts, 1) == {204}
        assert set(judged(hub).values()) == {"healthy"}
        items = hub.client().get("/v1/events/components").json()["items"]
        assert not [item for item in items if item["reason"] == "HostUnhealthy"]
        assert {"StorageFailing", "StorageRecovered"} <= {item["reason"] for item in items}
