"""A real hub whose clock of day is wrong, by libfaketime: at a start, and while it serves."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.hub.fake_clock import fake_clock
from tests.hub_fixture import RunningHub, running_hub
from tests.hub_fleet import used_directory
from tests.support import ROOT


def serve(data: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    import os

    command = [
        sys.executable,
        "-m",
        "edgewright.hub.process.cli",
        "serve",
        "--data",
        str(data),
        "--listen",
        "127.0.0.1:0",
    ]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=variables, check=False, cwd=ROOT)


def test_a_clock_that_was_ahead_at_one_start_locks_nobody_out(tmp_path: Path) -> None:
    environment, shift = fake_clock(tmp_path)
    data = used_directory(tmp_path / "d")  # a CA of today
    shift.write_text("+3y\n")
    with running_hub(data=data, environment=environment):
        pass
    with running_hub(data=data) as hub:  # TLS of the client is verified, by the right clock
        assert hub.client().get("/v1/users/info").status_code == 200


def test_a_first_start_with_a_clock_long_ago_serves_by_the_right_clock(tmp_path: Path) -> None:
    environment, shift = fake_clock(tmp_path)
    shift.write_text("-20y\n")
    with running_hub(data=tmp_path / "d", environment=environment):
        pass
    with running_hub(data=tmp_path / "d") as hub:
        assert hub.client().get("/v1/users/info").status_code == 200


def test_a_ca_outside_its_dates_is_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    environment, shift = fake_clock(tmp_path)
    data = used_directory(tmp_path / "d")
    for text, sentence in (("+11y", "ended at 20"), ("-9y", "that clock is wrong")):
        shift.write_text(text + "\n")
        found = serve(data, environment)
        assert found.returncode == 1
        assert "The hub's own CA in " in found.stderr and sentence in found.stderr
        assert "Traceback" not in found.stderr and "Something inside" not in found.stderr


def status(hub: RunningHub) -> dict[str, object]:
    answer: dict[str, object] = hub.client().get("/edgewright/v1/status").json()
    return answer


def plane_alerts(hub: RunningHub) -> list[str]:
    items = hub.client().get("/edgewright/v1/alerts").json()["items"]
    return [item["code"] for item in items if item["kind"] == "plane"]


def wait_for(ready: Callable[[], bool]) -> None:
    for _ in range(100):
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within 10 s")


def test_p41_a_jump_of_the_clock_deletes_nothing(tmp_path: Path) -> None:
    environment, shift = fake_clock(tmp_path)
    data = used_directory(tmp_path / "d")
    with running_hub("--housekeeping", "0.3", data=data, environment=environment) as hub:
        _, token = hub.token()
        own = hub.host("jump-1", token)
        own.patch("/v1/edgehosts/jump-1/health", json={"state": "healthy"})  # its first one is an event
        made = hub.client().post("/edgewright/v1/hosts/jump-1/operations", json={"kind": "collect-logs"})
        assert made.status_code < 300, made.text

        def counts() -> tuple[int, int, int]:
            admin = hub.client()
            operations = admin.get("/edgewright/v1/hosts/jump-1/operations").json()["items"]
            events = admin.get("/v1/events/components/edgehost/jump-1").json()["items"]
            return len(events), len(admin.get("/v1/audits").json()["items"]), len(operations)

        before = counts()
        assert min(before) >= 1
        for offset in ("+2y", "-3y", "+2y"):
            shift.write_text(offset + "\n")
            wait_for(lambda: status(hub)["clockDoubted"] is not None)
            wait_for(lambda: plane_alerts(hub) == ["ClockDoubted"])
            time.sleep(0.7)  # two rounds of housekeeping
            assert counts() == before
            answer = own.patch("/v1/edgehosts/jump-1/health", json={"state": "healthy"})
            assert (answer.status_code, answer.headers.get("edgewright-clock")) == (204, "doubted")
            assert hub.client().get("/v1/edgehosts/jump-1").json()["status"]["health"]["state"] == "healthy"
            # the certificate is good by the right clock, which is this test's, all the time
            assert hub.anonymous().get("/v1/health/ping").status_code == 200
        shift.write_text("+0\n")
        wait_for(lambda: status(hub)["clockDoubted"] is None)
        wait_for(lambda: plane_alerts(hub) == [])
        assert "edgewright-clock" not in own.patch("/v1/edgehosts/jump-1/health", json={"state": "healthy"}).headers
        told = {item["reason"] for item in hub.client().get("/v1/events/components").json()["items"]}
        assert {"ClockDoubted", "ClockBelieved"} <= told
        hub.stop()
        shift.write_text("+2y\n")
        hub.start_again()  # now the jump was while it did not run
        assert "ahead" in str(status(hub)["clockDoubted"])
        time.sleep(1.0)
        assert plane_alerts(hub) == []  # it may have been off for as long: nobody needs to act
        events, audits, operations = counts()
        assert events >= before[0] and audits >= before[1] and operations == before[2]
