"""Work that takes minutes on a real systemd host: heartbeats keep their rhythm, whatever is killed in between."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.e2e.fleet import UNIT, Fleet, Plane, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

BEAT, LIMIT = 3.0, 24.0
NAME, DATA = "edge1", "/var/lib/edgewright"
AGENT = ("/usr/bin/python3", "/usr/local/lib/edgewright/edgewright-agent.pyz")
RECONCILER = "edgewright-reconciler.service"


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet("--hosts", "1", "--silence-limit", f"{LIMIT:g}", "--heartbeat", f"{BEAT:g}")


@pytest.fixture(scope="module")
def plane(fleet: Fleet) -> Plane:
    plane = fleet.plane()
    until("the host is healthy", 30, lambda: plane.judgement(fleet.uid(NAME)).get("healthState") == "healthy")
    return plane


def step_of(fleet: Fleet) -> dict[str, Any]:
    """Return the newest record of the newest step of a trial in the host's journal of steps; empty without one."""
    text = fleet.within(NAME, "cat", f"{DATA}/reconciler/journal.jsonl", check=False)
    records = [json.loads(line)["record"] for line in text.splitlines()]
    steps = [record for record in records if record.get("kind") == "trial"]
    return dict(steps[-1]) if steps else {}


def unit_of(fleet: Fleet) -> str:
    return f"edgewright-step-{step_of(fleet)['step']}.service"


def main_pid(fleet: Fleet, unit: str) -> int:
    return int(fleet.within(NAME, "systemctl", "show", "-p", "MainPID", "--value", unit))


def progress(fleet: Fleet, plane: Plane) -> dict[str, Any]:
    shown: dict[str, Any] = plane.judgement(fleet.uid(NAME)).get("progress") or {}
    return shown


def runs(fleet: Fleet, ending: str, attempt: int = 0) -> bool:
    """Return whether the newest step, whose id ends so, runs; `attempt` is which attempt, 0 for any."""
    step = step_of(fleet)
    wanted = step.get("state") == "running" and step["step"].endswith(ending)
    return wanted and attempt in (0, step["attempt"])


def trial(fleet: Fleet, *seconds: int) -> None:
    fleet.within(NAME, *AGENT, "trial", *(str(number) for number in seconds))


def update(fleet: Fleet) -> None:
    """Install another build of the agent over the present one, as an operator does."""
    fresh = fleet.disk(NAME) / "root/new.pyz"
    shutil.copyfile(fleet.disk(NAME) / AGENT[1][1:], fresh)
    with zipfile.ZipFile(fresh, "a") as archive:
        archive.writestr("build.txt", "another build")
    words = ["install", "--endpoint", fleet.shown["endpoint"], "--token-file", "/etc/edgewright/token"]
    words += ["--ca", "/etc/edgewright/ca.crt", "--user-data", "/etc/edgewright/user-data"]
    done = fleet.within(NAME, AGENT[0], "/root/new.pyz", *words)
    assert f"write  {AGENT[1]}" in done and f"systemctl restart {UNIT}" in done


def test_a_step_of_three_minutes_survives_kills_and_an_update_and_no_heartbeat_waits(
    fleet: Fleet, plane: Plane
) -> None:
    uid = fleet.uid(NAME)
    before, began = plane.judgement(uid)["heartbeats"], time.monotonic()
    trial(fleet, 180)
    until("the step runs", 15, lambda: step_of(fleet).get("state") == "running")
    until("progress is shown", 15, lambda: progress(fleet, plane).get("step", "").startswith("trial-"))
    unit, program = unit_of(fleet), main_pid(fleet, unit_of(fleet))
    assert program > 0

    old = main_pid(fleet, RECONCILER)
    fleet.within(NAME, "kill", "-9", str(old))
    until("the reconciler is back", 20, lambda: main_pid(fleet, RECONCILER) not in (0, old))
    old = main_pid(fleet, UNIT)
    fleet.within(NAME, "kill", "-9", str(old))
    until("the link is back", 20, lambda: main_pid(fleet, UNIT) not in (0, old))
    old = main_pid(fleet, UNIT)
    update(fleet)
    until("the link is new", 20, lambda: main_pid(fleet, UNIT) not in (0, old))
    assert main_pid(fleet, unit) == program, "the program of the step was not touched"

    states: set[str] = set()
    percents: list[int] = []

    def over() -> bool:
        judged = plane.judgement(uid)
        states.add(str(judged.get("healthState")))
        percents.append((judged.get("progress") or {}).get("percent", -1))
        return step_of(fleet).get("state") == "done"

    until("the step is done", 240, over, 2.0)
    took = time.monotonic() - began
    assert step_of(fleet)["attempt"] == 1 and took >= 180
    assert states == {"healthy"}, "no heartbeat waited for the work"
    until("the plane knows", 15, lambda: not progress(fleet, plane))
    beats = plane.judgement(uid)["heartbeats"] - before
    assert beats >= 0.8 * took / BEAT, f"{beats} heartbeats in {took:.0f} s"
    shown = [percent for percent in percents if percent >= 0]
    assert shown == sorted(shown) and shown[-1] > 80

    def reasons() -> list[str]:
        return [event["reason"] for event in plane.events(uid)]

    until("the end of the step is an event", 15, lambda: "StepDone" in reasons())  # sent after the heartbeat
    assert reasons().count("StepStarted") == 1 and reasons().count("StepDone") == 1
    print(f"{beats} heartbeats in {took:.0f} s at {BEAT:g} s, states {states}")


def test_the_reconciler_is_gone_when_nothing_is_left(fleet: Fleet, plane: Plane) -> None:
    until("it has ended", 15, lambda: main_pid(fleet, RECONCILER) == 0)
    shown = json.loads(fleet.within(NAME, *AGENT, "status", "-o", "json"))
    (document,) = shown["documents"]
    assert document["wanted"]["generation"] == document["applied"]["generation"] and shown["progress"] is None


def test_a_power_cut_in_a_step_is_a_second_attempt(fleet: Fleet, plane: Plane) -> None:
    trial(fleet, 20)
    until("the step runs", 15, lambda: step_of(fleet).get("state") == "running")
    time.sleep(3)
    fleet.lab("fault", "power-cut", NAME)
    fleet.lab("fault", "power-on", NAME)
    until("it is done", 120, lambda: step_of(fleet).get("state") == "done", 1.0)
    assert step_of(fleet)["attempt"] == 2


def test_a_power_cut_in_each_step_of_a_document(fleet: Fleet, plane: Plane) -> None:
    trial(fleet, 20, 20, 20)  # on a crowded machine some seconds pass until the power is cut
    for n in (1, 2, 3):
        until(f"step {n} runs", 60, partial(runs, fleet, f"-{n}"), 0.3)
        time.sleep(2)
        fleet.lab("fault", "power-cut", NAME)
        fleet.lab("fault", "power-on", NAME)
    until("all is done", 90, lambda: step_of(fleet).get("state") == "done", 1.0)
    text = fleet.within(NAME, "cat", f"{DATA}/reconciler/journal.jsonl")
    records = [json.loads(line)["record"] for line in text.splitlines()]
    target = step_of(fleet)["target"]
    attempts = {r["step"]: r["attempt"] for r in records if r.get("target") == target and r["state"] == "done"}
    assert sorted(attempts.values()) == [2, 2, 2], attempts


def test_a_long_wait_ends_the_reconciler_and_its_timer_brings_it_back(fleet: Fleet, plane: Plane) -> None:
    """Four failures, each another one: 10, 20, 40 and 80 s of waiting."""
    trial(fleet, 600)
    for n, signal in enumerate(("KILL", "HUP", "USR1", "TERM"), 1):
        until(f"attempt {n} runs", 90, partial(runs, fleet, "", n), 0.5)
        time.sleep(1)
        fleet.within(NAME, "systemctl", "kill", "-s", signal, unit_of(fleet))
    until("it is gone", 20, lambda: main_pid(fleet, RECONCILER) == 0)
    assert step_of(fleet)["state"] == "failed" and step_of(fleet)["error_class"] == "exit-143"
    timer = "edgewright-reconciler.timer"
    assert fleet.within(NAME, "systemctl", "is-active", timer, check=False).strip() == "active"
    until("attempt 5 runs", 120, lambda: step_of(fleet).get("attempt") == 5, 1.0)
    trial(fleet, 1)
    fleet.within(NAME, "systemctl", "stop", unit_of(fleet))
    until("another document replaces it", 60, lambda: step_of(fleet).get("state") == "done", 1.0)


def operation(fleet: Fleet, plane: Plane, kind: str, patience: float) -> dict[str, Any]:
    """Ask for an operation and return its document with the result."""
    path = f"/edgewright/v1/hosts/{fleet.uid(NAME)}/operations"
    status, made = plane.ask("POST", path, {"kind": kind})
    assert status == 201, made

    def ended() -> dict[str, Any] | None:
        document = plane.ask("GET", f"{path}/{made['uid']}")[1]
        return dict(document) if document["state"] != "pending" else None

    return until(f"{kind} has a result", patience, ended, 0.5)


def test_a_failing_step_waits_for_an_operator_and_the_host_is_unhealthy(fleet: Fleet, plane: Plane) -> None:
    """Its program is ended from outside each time: three equal failures."""
    trial(fleet, 600)

    def end_it() -> bool:
        step = step_of(fleet)
        if step.get("state") == "running":
            fleet.within(NAME, "systemctl", "kill", "-s", "KILL", unit_of(fleet), check=False)
        return step.get("state") == "waiting: operator"

    until("it waits for an operator", 180, end_it, 1.0)
    assert step_of(fleet)["attempt"] == 3
    until("the host is unhealthy", 20, lambda: plane.judgement(fleet.uid(NAME))["healthState"] == "unhealthy")
    assert "waits for an operator" in plane.judgement(fleet.uid(NAME))["reason"]
    result = operation(fleet, plane, "retry", 30)["result"]  # P85
    assert result["state"] == "succeeded" and "1 step starts again" in result["message"]
    until("its fourth attempt runs", 20, lambda: runs(fleet, "-1", attempt=4))
    until("the host is healthy", 20, lambda: plane.judgement(fleet.uid(NAME))["healthState"] == "healthy")
    assert operation(fleet, plane, "retry", 30)["result"]["state"] == "refused"
    trial(fleet, 1)
    time.sleep(1)
    fleet.within(NAME, "systemctl", "kill", "-s", "KILL", unit_of(fleet), check=False)
    until("another document replaces it", 30, lambda: step_of(fleet).get("state") == "done")
    until("the host is healthy", 20, lambda: plane.judgement(fleet.uid(NAME))["healthState"] == "healthy")


def test_p71_a_preflight_of_a_real_host(fleet: Fleet, plane: Plane) -> None:
    result = operation(fleet, plane, "preflight", 30)["result"]
    assert result["state"] == "succeeded" and len(result["checks"]) == 15
    assert {check["id"]: check["state"] for check in result["checks"]}["plane"] == "ok"


def test_p72_a_reboot_of_a_real_host(fleet: Fleet, plane: Plane) -> None:
    before = fleet.booted_at(NAME)
    result = operation(fleet, plane, "reboot", 60)["result"]
    assert result["state"] == "succeeded" and result["message"].startswith("Rebooted")
    assert fleet.booted_at(NAME) > before + 0.5
    time.sleep(BEAT * 2)
    assert fleet.booted_at(NAME) > before + 0.5 and plane.judgement(fleet.uid(NAME))["healthState"] == "healthy"


def test_the_link_is_small_and_cannot_write_the_journal(fleet: Fleet) -> None:
    status = fleet.within(NAME, "cat", f"/proc/{main_pid(fleet, UNIT)}/status")
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    assert resident < 40_000, f"{resident} kB"
    pid = main_pid(fleet, UNIT)
    mounts = fleet.within(NAME, "cat", f"/proc/{pid}/mounts")
    options = {line.split()[1]: line.split()[3] for line in mounts.splitlines()}
    assert "ro" in options[f"{DATA}/reconciler"].split(",") and "rw" in options[DATA].split(",")
    print(f"link: {resident} kB resident")
