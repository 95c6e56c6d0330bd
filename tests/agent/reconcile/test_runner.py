"""Running a step's program: what systemd prints about a unit, and processes for hosts without systemd."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgewright.agent.reconcile import runner as module
from edgewright.agent.reconcile.runner import ProcessRunner, SystemdRunner, UnitState, choose_runner, read_unit
from edgewright.core.errors import Failed

LOADED = "LoadState=loaded ActiveState="


@pytest.mark.parametrize(
    ("printed", "state"),
    [
        ("LoadState=not-found ActiveState=inactive SubState=dead", UnitState("absent")),
        ("", UnitState("absent")),
        (LOADED + "active SubState=running ExecMainCode=0 ExecMainStatus=0", UnitState("running")),
        (LOADED + "activating SubState=start", UnitState("running")),
        (LOADED + "deactivating SubState=stop-sigterm", UnitState("running")),
        (LOADED + "active SubState=exited Result=success ExecMainCode=1 ExecMainStatus=0", UnitState("ended")),
        (LOADED + "failed Result=exit-code ExecMainCode=1 ExecMainStatus=7", UnitState("ended", 7)),
        (LOADED + "failed Result=signal ExecMainCode=2 ExecMainStatus=9", UnitState("ended", 137)),
        (
            LOADED + "failed Result=timeout ExecMainCode=2 ExecMainStatus=15",
            UnitState("ended", 143, "it did not end within its limit"),
        ),
        (LOADED + "inactive SubState=dead Result=success ExecMainCode=0", UnitState("absent")),
    ],
)
def test_what_systemd_prints(printed: str, state: UnitState) -> None:
    values = dict(pair.split("=", 1) for pair in printed.split())
    assert read_unit(values) == state


def test_a_transient_unit_that_stays_after_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def call(command: list[str]) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 1 if "bad" in command else 0, b"", b"Unit x exists.\n")

    monkeypatch.setattr(module, "_call", call)
    real = SystemdRunner()
    real.start("edgewright-step-a.service", ["/bin/true"], 90.0)
    assert calls[0][0] == "systemd-run" and calls[0][-2:] == ["--", "/bin/true"]
    assert {"--unit=edgewright-step-a.service", "--property=RemainAfterExit=yes", "--property=RuntimeMaxSec=90"} <= set(
        calls[0]
    )
    with pytest.raises(Failed, match="Unit x exists"):
        real.start("edgewright-step-a.service", ["bad"], 90.0)
    monkeypatch.setattr(module, "_call", lambda command: None)
    assert real.state("x").name == "unknown" and real.log("x") == []
    with pytest.raises(Failed, match="does not answer"):
        real.start("x", ["a"], 1.0)


def wait(runner: ProcessRunner, unit: str, name: str) -> UnitState:
    until = time.monotonic() + 20
    while (state := runner.state(unit)).name != name and time.monotonic() < until:
        time.sleep(0.01)
    assert state.name == name
    return state


def test_a_process_has_a_status_a_log_and_a_name_that_is_its_lock(tmp_path: Path) -> None:
    runner = ProcessRunner(str(tmp_path / "steps"))
    assert runner.state("a").name == "absent"
    runner.start("a", ["/bin/sh", "-c", "echo one; echo two >&2; exit 7"], 30.0)
    with pytest.raises(Failed):
        runner.start("a", ["/bin/true"], 30.0)
    assert wait(runner, "a", "ended").code == 7 and runner.log("a") == ["one", "two"]
    runner.forget("a")
    assert runner.state("a").name == "absent" and runner.log("a") == []
    runner.start("a", ["/bin/true"], 30.0)
    assert wait(runner, "a", "ended").code == 0


def test_a_process_survives_whoever_started_it_and_is_bounded(tmp_path: Path) -> None:
    code = (
        "import sys; from edgewright.agent.reconcile.runner import ProcessRunner;"
        f"ProcessRunner({str(tmp_path)!r}).start('a', ['sleep', '30'], 60.0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    runner = ProcessRunner(str(tmp_path))
    wait(runner, "a", "running")
    runner.forget("a")
    assert runner.state("a").name == "absent"
    runner.start("b", ["sleep", "30"], 0.6)
    assert "within its limit" in wait(runner, "b", "ended").text


def test_the_end_of_a_program_ends_the_wait_once(tmp_path: Path) -> None:
    runner = ProcessRunner(str(tmp_path))
    runner.start("a", ["sleep", "0.1"], 30.0)
    began = time.monotonic()
    assert runner.wait(["a"], 20.0) and time.monotonic() - began < 10
    assert runner.state("a").name == "ended", "its exit status can be read at once"
    assert not runner.wait(["a"], 0.01), "an end that cannot be judged (a full disk) is no reason to look all the time"
    runner.forget("a")
    runner.start("a", ["sleep", "30"], 60.0)
    assert not runner.wait(["a"], 0.05) and not runner.wait([], 0.01)
    runner.forget("a")
    assert runner.wait(["a"], 20.0), "a program that is not there any more has ended"


def test_a_wait_for_a_unit_of_systemd_asks_for_its_process_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    child = subprocess.Popen(["sleep", "0.2"])

    def call(command: list[str]) -> subprocess.CompletedProcess[bytes]:
        calls.append(command)
        runs = child.poll() is None
        text = LOADED + ("active SubState=running" if runs else "active SubState=exited ExecMainCode=1")
        return subprocess.CompletedProcess(command, 0, f"{text} MainPID={child.pid}".replace(" ", "\n").encode(), b"")

    monkeypatch.setattr(module, "_call", call)
    real = SystemdRunner()
    assert not real.wait(["x"], 0.02) and not real.wait(["x"], 0.02) and len(calls) == 1
    assert real.wait(["x"], 20.0) and not real.wait(["x"], 0.01)
    child.wait()
    monkeypatch.delattr("os.pidfd_open", raising=False)
    monkeypatch.setattr(module, "POLL", 0.01)
    real.start("x", ["a"], 5.0)
    assert real.wait(["x"], 20.0), "an older kernel is asked again and again"


def test_the_host_decides_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSTEMD", str(tmp_path))
    assert isinstance(choose_runner("x"), SystemdRunner)
    monkeypatch.setattr(module, "SYSTEMD", str(tmp_path / "none"))
    assert isinstance(choose_runner("x"), ProcessRunner)
