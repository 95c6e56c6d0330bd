"""The agent and the simulated fleet against a real hub, over TLS."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kernel.agent import Agent
from edgewright.agent.kernel.agent_log import AgentLog
from edgewright.agent.kernel.settings import Flags
from edgewright.agent.kernel.systemd_notify import Notifier
from edgewright.agent.reconcile.exchange import put
from edgewright.agent.simulate.fleet import make_hosts, site_name
from edgewright.agent.simulate.host import Fleet, run_simulated
from edgewright.core import times
from edgewright.core.errors import EdgewrightError, Refused
from edgewright.core.hosts.hosts import check_uid
from tests.agent.conftest import Heard
from tests.hub_fixture import RunningHub, running_hub
from tests.support import ROOT


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub("--heartbeat", "1", "--silence-limit", "30") as running:
        yield running


def fresh(hub: RunningHub) -> str:
    """Make a token; names of tokens are unique."""
    return hub.token(f"t-{time.monotonic_ns()}")[1]


class HostRig:
    """A host of a name on a real hub."""

    def __init__(self, hub: RunningHub, folder: Path, name: str, token: str, **flags: Any) -> None:
        self.hub, self.name = hub, name
        self.heard = Heard()
        (folder / "token").write_text(token)
        user = folder / "user-data"
        site = "".join(f"    {key}: {value}\n" for key, value in flags.pop("site", {}).items())
        user.write_text(f"#cloud-config\nstylus:\n  site:\n    name: {name}\n    tags: {{site: kiel-02}}\n{site}")
        self.flags = Flags(
            endpoint=flags.pop("endpoint", hub.url), token_file=str(folder / "token"), ca=str(hub.ca),
            data=str(folder / "data"), user_data=str(user), console="", **flags,
        )  # fmt: skip
        self.agent = self.start()

    def start(self) -> Agent:
        agent = Agent(self.flags, AgentLog(self.heard, ""), Notifier())  # type: ignore[arg-type]
        agent.folder.open()
        agent._begin()
        return agent

    def document(self) -> dict[str, Any]:
        answer = self.hub.client().get(f"/v1/edgehosts/{self.name}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def test_a_host_registers_beats_and_tells_its_facts(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "real-1", fresh(hub))
    wait = rig.agent.step()
    assert 0.9 <= wait <= 1.1, "the plane sets the interval"
    rig.agent.step()
    document = rig.document()
    assert document["status"]["state"] == "ready"
    assert document["status"]["health"]["agentVersion"]
    assert document["metadata"]["labels"] == {"site": "kiel-02"}
    assert document["spec"]["device"]["cpu"]["cores"] >= 1 and document["spec"]["device"]["nics"]
    status = document["status"]["edgewright"]
    assert status["heartbeats"] == 2 and status["observedGeneration"] == status["generation"]
    events = hub.client().get("/v1/events/components/edgehost/real-1").json()["items"]
    assert "HostRegistered" in [event["reason"] for event in events]


def test_logs_come_and_a_second_asking_is_a_second_operation(
    hub: RunningHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = HostRig(hub, tmp_path, "real-2", fresh(hub))
    rig.agent.step()
    monkeypatch.setattr(
        "edgewright.agent.kernel.logs.read_journal", lambda root, lines, unit, since=0: [f"l{n}" for n in range(lines)]
    )
    for key in ("one", "one", "two"):
        answer = hub.client().post(
            "/edgewright/v1/hosts/real-2/operations",
            json={"kind": "collect-logs", "params": {"lines": 150}},
            headers={"Idempotency-Key": key},
        )
        assert answer.status_code == 201, answer.text
    rig.agent.step()
    rig.agent.step()
    items = hub.client().get("/edgewright/v1/hosts/real-2/operations").json()["items"]
    assert [item["state"] for item in items] == ["succeeded", "succeeded"], items
    uid = items[0].get("id") or items[0].get("uid") or items[0]["metadata"]["uid"]
    log = hub.client().get(f"/edgewright/v1/hosts/real-2/logs?operationId={uid}").json()
    assert "l149" in str(log) and "l150" not in str(log)


def test_reset_and_tunnel_are_answered(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "real-3", fresh(hub))
    rig.agent.step()
    assert hub.client().put("/v1/edgehosts/real-3/reset").status_code == 204
    assert hub.client().patch("/v1/edgehosts/real-3/tunnelConfig", json={"remoteSsh": "enabled"}).status_code == 204
    rig.agent.step()
    assert rig.document()["status"]["tunnelStatus"]["ssh"]["state"] == "Failed"
    items = hub.client().get("/edgewright/v1/hosts/real-3/operations").json()["items"]
    assert [item["state"] for item in items] == ["succeeded"]


def test_p71_a_preflight_runs_on_the_host_and_its_checks_are_at_the_hub(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "real-pre", fresh(hub))
    rig.agent.step()
    path = "/edgewright/v1/hosts/real-pre/operations"
    assert hub.client().post(path, json={"kind": "preflight"}).status_code == 201
    rig.agent.step()
    (item,) = hub.client().get(path).json()["items"]
    checks = {check["id"]: check for check in item["result"]["checks"]}
    assert item["state"] == "succeeded" and " checks: " in item["result"]["message"]
    assert checks["plane"]["state"] == "ok" and checks["clock"]["state"] == "ok" and len(checks) == 15


def test_p69_progress_is_shown_by_the_hub_and_goes_with_the_work(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "real-work", fresh(hub))
    rig.agent.step()
    assert "progress" not in rig.document()["status"]["edgewright"]
    run = rig.agent.handover.observed.run
    for percent in (10, 20, 20, 20):
        put(run, "progress", {"progress": {"step": "trial-1", "n": 1, "of": 2, "attempt": 1, "percent": percent}})
        rig.agent.step()
        assert rig.document()["status"]["edgewright"]["progress"]["percent"] == percent
    item = {"uid": "trial", "kind": "trial", "wanted": {"generation": 3}, "applied": {"generation": 2}}
    put(run, "observed", {"documents": [item], "transitions": []})
    put(run, "progress", {"progress": None})
    rig.agent._read_facts(force=True)
    rig.agent.step()
    status = rig.document()["status"]["edgewright"]
    assert "progress" not in status and status["documents"] == [item]


def test_wrong_expired_and_revoked_tokens_and_a_double_uid_say_so(hub: RunningHub, tmp_path: Path) -> None:
    said = {}
    uid, revoked = hub.token("revoked")
    assert hub.client().put(f"/v1/edgehosts/tokens/{uid}/state", json={"isActive": False}).status_code == 204
    _, expired = hub.token("expired", expiry=times.rfc3339(times.now() + 2))
    HostRig(hub, _new(tmp_path, "first"), "double", fresh(hub)).agent.step()
    time.sleep(2.1)
    for name, token in (
        ("wrong", "ewt_" + "x" * 43),
        ("expired", expired),
        ("revoked", revoked),
        ("double", fresh(hub)),
    ):
        rig = HostRig(hub, _new(tmp_path, name), name, token)
        rig.agent.step()
        said[name] = rig.heard.text
    assert "does not know the registration token" in said["wrong"]
    assert "has expired" in said["expired"]
    assert "was revoked" in said["revoked"]
    assert "Another registration already uses the host UID double" in said["double"]


def test_approval_lets_a_waiting_host_in(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "waits", fresh(hub), site={"disableAutoRegister": "true"})
    rig.agent.step()
    assert "waits for approval" in rig.heard.text
    body = {"metadata": {"uid": "waits", "name": "waits"}, "spec": {"archType": "amd64"}}
    project = hub.client().get("/v1/dashboard/projects/metadata").json()["items"][0]["metadata"]["uid"]
    answer = hub.client(ApiKey=hub.admin_key, ProjectUid=project).post("/v1/edgehosts", json=body)
    assert answer.status_code == 201, answer.text
    rig.agent.step()
    assert rig.document()["status"]["state"] == "ready"


def test_a_deleted_host_is_told_and_comes_back(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "gone", fresh(hub))
    rig.agent.step()
    assert hub.client().delete("/v1/edgehosts/gone").status_code == 204
    assert rig.agent.step() >= 60
    assert "has deleted this host" in rig.heard.text
    rig.agent.step()
    assert rig.document()["status"]["state"] == "ready"


def test_an_observed_host_is_observed(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "watched", fresh(hub), observe=True)
    rig.agent.step()
    assert rig.document()["spec"]["edgewright"]["observed"] is True
    assert hub.client().put("/v1/edgehosts/watched/reset").status_code == 403


def test_the_process_runs_beats_and_stops_in_order(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "process", fresh(hub))
    rig.agent.folder.close()
    command = [sys.executable, "-m", "edgewright.agent", "run", "--endpoint", hub.url, "--ca", str(hub.ca)]
    command += ["--token-file", rig.flags.token_file, "--data", rig.flags.data, "--user-data", rig.flags.user_data]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        _until(lambda: "process" in hub.client().get("/v1/edgehosts/process").text)
        _until(lambda: rig.document()["status"]["edgewright"]["heartbeats"] >= 3)
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 6 and "Another agent already runs" in second.stderr
        status = [sys.executable, "-m", "edgewright.agent", "status", "--data", rig.flags.data]
        told = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
        assert told.returncode == 0 and "Registered and connected" in told.stdout, told
    finally:
        process.send_signal(signal.SIGTERM)
        _, text = process.communicate(timeout=10)
    assert process.returncode == 0 and "Stopped as asked." in text and "Traceback" not in text
    told = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert told.returncode == 1 and "does not run" in told.stdout


def test_kill_9_at_any_moment_loses_no_identity(hub: RunningHub, tmp_path: Path) -> None:
    rig = HostRig(hub, tmp_path, "killed", fresh(hub))
    rig.agent.folder.close()
    command = [sys.executable, "-m", "edgewright.agent", "run", "--endpoint", hub.url, "--ca", str(hub.ca)]
    command += ["--token-file", rig.flags.token_file, "--data", rig.flags.data, "--user-data", rig.flags.user_data]
    for pause in (0.15, 0.2, 0.25, 0.3, 0.4, 0.6):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        time.sleep(pause)
        process.kill()
        process.wait()
    rig.agent = rig.start()
    assert rig.agent.step() <= 1.1, rig.heard.text
    assert "Another registration" not in rig.heard.text and "half written" not in rig.heard.text
    assert rig.document()["status"]["state"] == "ready"


async def test_twenty_simulated_hosts_live_on_a_real_hub(hub: RunningHub) -> None:
    fleets: list[Fleet] = []
    told: list[str] = []
    token = fresh(hub)
    run = asyncio.ensure_future(
        run_simulated(20, hub.url, token, str(hub.ca), seed=7, speed=200, announce=told.append, started=fleets.append)
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (fleets and fleets[0].heartbeats >= 60 and len(told) >= 3):
            assert not run.done() or run.result()
            await asyncio.sleep(0.1)
        assert fleets[0].registered == 20 and fleets[0].heartbeats >= 60 and len(told) >= 3
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    body: dict[str, Any] = {"filter": {}, "sort": []}
    items = hub.client().post("/v1/dashboard/edgehosts/search?limit=50", json=body).json()["items"]
    made = [item for item in items if item["spec"].get("edgewright", {}).get("simulated")]
    assert len(made) == 20
    assert len({item["metadata"]["labels"]["site"] for item in made}) == 4
    assert {item["status"]["state"] for item in made} == {"ready"}
    alerts = hub.client().get("/edgewright/v1/alerts").json()["items"]
    simulated = {item["metadata"]["uid"] for item in made}
    assert [alert for alert in alerts if simulated & set(alert["hostUids"])] == [], "reboots, cut links are no clones"


async def test_simulated_hosts_answer_a_preflight_and_a_reboot(hub: RunningHub) -> None:
    fleets: list[Fleet] = []
    task = asyncio.ensure_future(
        run_simulated(1, hub.url, fresh(hub), str(hub.ca), faults=False, seed=77, started=fleets.append)
    )
    try:
        while not fleets or fleets[0].heartbeats < 1:
            await asyncio.sleep(0.05)
        uid, boot = fleets[0].hosts[0].made.uid, fleets[0].hosts[0]._boot_id
        path = f"/edgewright/v1/hosts/{uid}/operations"
        for kind in ("preflight", "reboot"):
            answer = await asyncio.to_thread(hub.client().post, path, json={"kind": kind})
            assert answer.status_code == 201
        until, items = time.monotonic() + 20, list[dict[str, Any]]()
        while time.monotonic() < until and (not items or any(item["state"] == "pending" for item in items)):
            items = (await asyncio.to_thread(hub.client().get, path)).json()["items"]
            await asyncio.sleep(0.1)
        found = {item["kind"]: item for item in items}
        assert {item["state"] for item in items} == {"succeeded"} and len(items) == 2
        assert len(found["preflight"]["result"]["checks"]) > 5 and fleets[0].hosts[0]._boot_id != boot
    finally:
        task.cancel()


async def test_a_simulated_fleet_with_a_wrong_token_ends_with_the_reason(hub: RunningHub) -> None:
    with pytest.raises(Refused, match="does not know the registration token"):
        await run_simulated(3, hub.url, "ewt_" + "y" * 43, str(hub.ca), faults=False)


async def test_a_simulated_fleet_needs_a_good_ca(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError, match="CA file"):
        await run_simulated(3, "https://127.0.0.1:1", "t", str(tmp_path / "none"))


def test_made_up_hosts_are_the_same_for_a_seed_and_differ_from_each_other() -> None:
    hosts = make_hosts(500, 3)
    assert hosts == make_hosts(500, 3) and hosts[:20] == make_hosts(20, 3)
    assert len({host.uid for host in hosts}) == 500 and not [host.uid for host in hosts if check_uid(host.uid)]
    assert len({host.facts.address for host in hosts}) == 500
    assert {host.facts.device["archType"] for host in hosts} == {"amd64", "arm64"}
    assert (site_name(0), site_name(1), site_name(32)) == ("berlin-01", "kiel-01", "berlin-02")


def _new(folder: Path, name: str) -> Path:
    made = folder / name / str(time.monotonic_ns())
    made.mkdir(parents=True)
    return made


def _until(what: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if what():
                return
        except AssertionError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come to pass in time")
