"""A hub restored from a backup, with a real agent: its hosts take their settings and operations at once (P36, P38)."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.kernel.agent import Agent
from tests import forked
from tests.agent.hub.test_with_hub import HostRig
from tests.hub_fixture import RunningHub, running_hub
from tests.hub_fleet import used_directory
from tests.support import ROOT

OPERATIONS = "/edgewright/v1/hosts/victim/operations"


def hub_command(*words: str) -> None:
    ran = forked.run([sys.executable, "-m", "edgewright.hub.process.cli", *words], cwd=ROOT)
    assert ran.returncode == 0, ran.stderr


def ask_for_logs(hub: RunningHub, agent: Agent, steps: int = 4) -> str:
    """Ask for logs, let the agent work, and return the state of the newest operation."""
    made = hub.client().post(OPERATIONS, json={"kind": "collect-logs", "params": {"lines": 3}})
    assert made.status_code == 201, made.text
    for _ in range(steps):
        agent.step()
    found: dict[str, Any] = hub.client().get(f"{OPERATIONS}/{made.json()['uid']}").json()
    return str(found["state"])


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make the journal of this machine a short one; returns how often it was read."""
    reads: list[int] = []

    def read(root: object, lines: int, unit: str, since: int = 0) -> list[str]:
        reads.append(lines)
        return ["a line"]

    monkeypatch.setattr("edgewright.agent.kernel.logs.read_journal", read)
    return reads


def by_backup(hub: RunningHub, folder: Path, go_on: Callable[[], None]) -> None:
    hub_command("backup", "--data", str(hub.data), str(folder / "b.tgz"))
    go_on()
    hub.stop()
    shutil.rmtree(hub.data)
    hub_command("restore", "--data", str(hub.data), str(folder / "b.tgz"))


def by_snapshot(hub: RunningHub, folder: Path, go_on: Callable[[], None]) -> None:
    """As a disk snapshot or a point-in-time recovery does: nobody tells the hub."""
    hub.stop()
    shutil.copytree(hub.data, folder / "snapshot")
    hub.start_again()
    go_on()
    hub.stop()
    shutil.rmtree(hub.data)
    shutil.copytree(folder / "snapshot", hub.data)


@pytest.mark.parametrize("way", [by_backup, by_snapshot])
def test_p36_p38_operations_asked_after_a_restore_are_started(
    tmp_path: Path, logs: list[int], way: Callable[[RunningHub, Path, Callable[[], None]], None]
) -> None:
    data = _long_used(tmp_path / "hub")
    with running_hub("--heartbeat", "1", "--operation-deadline", "60", data=data) as hub:
        rig = HostRig(hub, tmp_path, "victim", hub.token()[1])
        rig.agent.step()
        pending = hub.client().post(OPERATIONS, json={"kind": "collect-logs"}).json()["uid"]

        def go_on() -> None:
            rig.agent.step()
            for _ in range(5):
                assert ask_for_logs(hub, rig.agent) == "succeeded"

        way(hub, tmp_path, go_on)
        before = rig.agent.desired.position
        assert before.generation >= 10 and len(logs) == 6
        hub.start_again()
        assert ask_for_logs(hub, rig.agent) == "succeeded"
        after = rig.agent.desired.position
        assert after.lineage != before.lineage and after.generation < before.generation
        assert rig.heard.text.count("was restored or set back") == 1
        assert len(logs) == 7, "the operation that was pending in the backup has run already, and runs no second time"
        assert hub.client().get(f"{OPERATIONS}/{pending}").json()["state"] == "succeeded", "its result is sent again"
        reasons = [event["reason"] for event in hub.client().get("/v1/events/components").json()["items"]]
        assert reasons.count("LineageChanged") == 1
        status = rig.document()["status"]["edgewright"]
        assert status["generation"] == status["observedGeneration"]


def _long_used(data: Path) -> Path:
    """Return the directory of a hub whose lineage is old, as far as the limit on renewals is concerned."""
    used_directory(data)
    with closing(sqlite3.connect(data / "hub.db")) as database:
        assert database.execute("update settings set value = '0.0' where key = 'lineage_since'").rowcount == 1
        database.commit()
    return data
