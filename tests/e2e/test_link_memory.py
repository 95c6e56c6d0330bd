"""The link within 40 MB, enforced from outside the host: a step of minutes, a log, 32 MiB of content, all at once.

Units of the lab's hosts accept `MemoryMax` and do not enforce it (their controllers are read-only), so the link is
started in a memory group of this machine, which it inherits from its host's systemd. What passes the limit is killed.
"""

from __future__ import annotations

import hashlib
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import UNIT, Fleet, Plane, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

NAME, BEAT, STEP = "edge1", 3.0, 130
LIMIT = 40 * 1024 * 1024
PIECE = 1024 * 1024
TREE = Path("/sys/fs/cgroup/memory")


class Group:
    """A memory group of this machine, of the old layout (`memory.limit_in_bytes`)."""

    def __init__(self, name: str, limit: int) -> None:
        self.folder = TREE / name
        self.folder.mkdir()
        (self.folder / "memory.limit_in_bytes").write_text(str(limit))

    def take(self, pid: int) -> None:
        """Move a process into the group; what it starts from now on is counted from its first byte."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    def processes(self) -> list[int]:
        return [int(pid) for pid in (self.folder / "cgroup.procs").read_text().split()]

    def number(self, name: str) -> int:
        return int((self.folder / f"memory.{name}").read_text())

    def kills(self) -> int:
        lines = (self.folder / "memory.oom_control").read_text().splitlines()
        return int(next((line.split()[1] for line in lines if line.startswith("oom_kill ")), "0"))

    def remove(self) -> None:
        for pid in self.processes():
            (TREE / "cgroup.procs").write_text(str(pid))
        self.folder.rmdir()


@pytest.fixture
def group() -> Iterator[Group]:
    if not (TREE / "memory.limit_in_bytes").exists():
        pytest.skip("this machine has no memory groups of the old layout")
    group = Group(f"edgewright-link-{os.getpid()}", LIMIT)
    yield group
    group.remove()


def start_link_in(group: Group, fleet: Fleet) -> int:
    """Start the link of the host again within the group; return its process id as this machine sees it."""
    leader = next(int(host["leader"]) for host in fleet.status()["hosts"] if host["name"] == NAME)
    group.take(leader)
    try:
        fleet.within(NAME, "systemctl", "restart", UNIT)
    finally:
        (TREE / "cgroup.procs").write_text(str(leader))
    (pid,) = group.processes()
    assert b"edgewright-agent.pyz" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return pid


def resident(pid: int) -> int:
    """Return the peak of a process's resident memory in kB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def send_blob(plane: Plane, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    for offset in range(0, len(content), PIECE):
        url = f"{plane.url}/edgewright/v1/blobs/{digest}?size={len(content)}&offset={offset}"
        headers = {**plane._headers, "Content-Type": "application/octet-stream"}
        request = urllib.request.Request(url, content[offset : offset + PIECE], headers, method="PUT")
        with urllib.request.urlopen(request, timeout=30, context=plane._context) as answer:
            assert answer.status == 200
    return digest


def test_the_link_lives_within_40_mb_through_a_step_of_minutes(make_fleet: Callable[..., Fleet], group: Group) -> None:
    fleet = make_fleet("--hosts", "1", "--silence-limit", "24", "--heartbeat", f"{BEAT:g}")
    plane, uid = fleet.plane(), fleet.uid(NAME)
    until("the host is healthy", 30, lambda: plane.judgement(uid).get("healthState") == "healthy")
    digest = send_blob(plane, os.urandom(32 * PIECE))
    pid = start_link_in(group, fleet)
    until("the host is healthy", 30, lambda: plane.judgement(uid).get("healthState") == "healthy")
    before, began = plane.judgement(uid)["heartbeats"], time.monotonic()
    path = f"/edgewright/v1/hosts/{uid}/operations"
    trial = {"kind": "trial", "params": {"steps": [STEP], "blobs": [digest]}}
    assert plane.ask("POST", path, trial)[0] == 201
    until("the step runs", 90, lambda: (plane.judgement(uid).get("progress") or {}).get("percent") is not None, 0.5)
    assert (fleet.disk(NAME) / "var/lib/edgewright/blobs" / digest).stat().st_size == 32 * PIECE
    states: set[str] = set()
    asked = 0

    def over() -> bool:
        nonlocal asked
        judged = plane.judgement(uid)
        states.add(str(judged.get("healthState")))
        if time.monotonic() - began > 20 * (asked + 1):
            asked += 1
            kind = ("collect-logs", "preflight", "disk-usage")[asked % 3]
            assert plane.ask("POST", path, {"kind": kind, "params": {}})[0] == 201
        documents = judged.get("documents") or [{}]
        return documents[0].get("applied") is not None

    until("the trial is applied", STEP + 150, over, 1.0)
    took = time.monotonic() - began
    beats = plane.judgement(uid)["heartbeats"] - before
    operations = plane.ask("GET", path)[1]["items"]
    assert group.processes() == [pid] and group.kills() == 0, "it was never killed for its memory"
    assert "watchdog" not in fleet.journal(NAME).lower()
    assert states == {"healthy"} and beats >= 0.8 * took / BEAT
    assert {item["state"] for item in operations if item["kind"] != "trial"} <= {"succeeded", "pending"}
    peak, limit = group.number("max_usage_in_bytes"), group.number("limit_in_bytes")
    assert limit == LIMIT and 0 < peak <= LIMIT
    print(
        f"{beats} heartbeats in {took:.0f} s, {len(operations)} operations, 32 MiB fetched; limit {LIMIT:,} bytes, "
        f"peak of the group {peak:,} (with page cache), failures {group.number('failcnt')}, peak resident "
        f"{resident(pid):,} kB, kills {group.kills()}"
    )
