"""The lab itself: hosts boot, faults do what they say and nothing more, and nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet, until

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_fleet("--bare", "--hosts", "2")


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> None:
    """Take back every fault after each test."""
    fleet: Fleet = request.getfixturevalue("fleet")
    request.addfinalizer(lambda: fleet.lab("fault", "clear"))


def state(fleet: Fleet, name: str) -> str:
    return str(next(host["state"] for host in fleet.status()["hosts"] if host["name"] == name))


def reply_time(fleet: Fleet, name: str, patience: float = 1.0) -> float | None:
    """Return how many seconds a host's SSH greeting takes to reach this machine; None when it does not come."""
    import socket

    address = next(host["address"] for host in fleet.shown["hosts"] if host["name"] == name)
    began = time.monotonic()
    try:
        with socket.create_connection((address, 22), timeout=patience) as link:
            link.settimeout(patience)
            return time.monotonic() - began if link.recv(4) == b"SSH-" else None
    except OSError:
        return None


@pytest.mark.core
def test_hosts_boot_with_a_systemd_of_their_own(fleet: Fleet) -> None:
    for name in ("edge1", "edge2"):
        assert state(fleet, name) == "running"
        assert fleet.within(name, "hostname").strip() == name
    ids = {fleet.within(name, "cat", "/etc/machine-id") for name in ("edge1", "edge2")}
    assert len(ids) == 2


def test_ssh_with_the_key_of_the_lab(fleet: Fleet) -> None:
    host = fleet.shown["hosts"][0]
    command = ["ssh", "-i", fleet.shown["sshKey"], "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"]
    command += ["-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", f"root@{host['address']}", "hostname"]
    until("sshd answers", 10, lambda: reply_time(fleet, "edge1") is not None)
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.strip() == "edge1", done.stderr


@pytest.mark.core
def test_a_cut_link_is_cut_and_outlives_a_reboot(fleet: Fleet) -> None:
    until("edge1 answers", 10, lambda: reply_time(fleet, "edge1") is not None)
    fleet.lab("fault", "link", "down", "edge1")
    assert reply_time(fleet, "edge1") is None
    assert reply_time(fleet, "edge2") is not None
    boot = fleet.within("edge1", "cat", "/proc/sys/kernel/random/boot_id"), fleet.booted_at("edge1")
    fleet.lab("fault", "reboot", "edge1")
    until(
        "edge1 boots anew", 20, lambda: state(fleet, "edge1") == "running" and fleet.booted_at("edge1") > boot[1] + 0.5
    )
    assert reply_time(fleet, "edge1") is None
    fleet.lab("fault", "link", "up", "edge1")
    until("edge1 answers again", 10, lambda: reply_time(fleet, "edge1") is not None)


def test_delay_is_felt_once_each_way(fleet: Fleet) -> None:
    until("edge1 answers", 10, lambda: reply_time(fleet, "edge1") is not None)
    fleet.lab("fault", "delay", "100", "edge1")
    slow = [until("edge1 answers slowly", 10, lambda: reply_time(fleet, "edge1", 3.0)) for _ in range(3)]
    assert min(slow) >= 0.2  # one round trip for the connection at least
    quick = until("edge2 answers", 5, lambda: reply_time(fleet, "edge2"))
    assert quick < min(slow)
    assert fleet.status()["hosts"][0]["link"] == "100ms"
    fleet.lab("fault", "delay", "0", "edge1")
    assert until("edge1 answers at once", 5, lambda: reply_time(fleet, "edge1")) < 0.2


@pytest.mark.core
def test_power_cut_and_power_on_keep_the_disk(fleet: Fleet) -> None:
    fleet.within("edge2", "sh", "-c", "echo kept > /root/note")
    fleet.lab("fault", "power-cut", "edge2")
    assert state(fleet, "edge2") == "off"
    fleet.lab("fault", "power-on", "edge2", code=0)
    assert state(fleet, "edge2") == "running"
    assert fleet.within("edge2", "cat", "/root/note").strip() == "kept"
    assert "is switched on" in fleet.lab("fault", "power-on", "edge2", code=6)


def test_a_frozen_host_says_nothing_and_then_goes_on(fleet: Fleet) -> None:
    until("edge2 answers", 10, lambda: reply_time(fleet, "edge2") is not None)
    fleet.lab("fault", "freeze", "edge2")
    assert reply_time(fleet, "edge2") is None
    assert state(fleet, "edge2") == "frozen"
    fleet.lab("fault", "thaw", "edge2")
    assert until("edge2 answers again", 10, lambda: reply_time(fleet, "edge2"))


def test_one_way(fleet: Fleet) -> None:
    addresses = {host["name"]: host["address"] for host in fleet.shown["hosts"]}
    probe = "import socket,sys; socket.create_connection((sys.argv[1], 22), timeout=2)"
    fleet.within("edge1", "python3", "-c", probe, addresses["edge2"])
    fleet.lab("fault", "oneway", "edge1", "edge2")
    assert "edge1 does not reach edge2" in fleet.lab("status")
    told = fleet.within("edge1", "sh", "-c", f"python3 -c '{probe}' {addresses['edge2']} 2>&1", check=False)
    assert "timed out" in told
    fleet.lab("fault", "clear")
    fleet.within("edge1", "python3", "-c", probe, addresses["edge2"])


@pytest.mark.core
def test_a_second_up_is_a_conflict(fleet: Fleet) -> None:
    assert "up already" in fleet.lab("up", "--bare", code=6)


@pytest.mark.core
def test_a_killed_up_is_cleared_away_by_the_next(tmp_path: Path, fleet: Fleet) -> None:
    env = {**fleet.env, "EDGEWRIGHT_LAB_DIR": str(tmp_path / "half")}
    command = [sys.executable, "-m", "edgewright", "lab", "up", "--bare", "--hosts", "3"]
    half = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        until(
            "the first host's disk", 20, lambda: (tmp_path / "half" / "hosts" / "edge1" / "console.log").exists(), 0.005
        )
        os.kill(half.pid, signal.SIGKILL)
        half.communicate(timeout=10)
        again = subprocess.run([*command[:-1], "1", "-o", "json"], env=env, capture_output=True, text=True, check=False)
        assert again.returncode == 0, again.stderr
        assert "clearing away" in again.stderr
        shown = json.loads(again.stdout)
        assert [host["state"] for host in shown["hosts"]] == ["running"]
        # a lab whose memory is lost is found by its names
        (tmp_path / "half" / "lab.json").write_text("{ half")
    finally:
        down = subprocess.run([*command[:4], "down"], env=env, capture_output=True, text=True, check=False)
    assert down.returncode == 0, down.stderr
    left = Path("/proc/self/mounts").read_text()
    assert str(tmp_path) not in left
    assert not list(Path("/run/netns").glob(f"{shown['name']}*"))
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{shown['name']}"))
    assert not (tmp_path / "half" / "hosts").exists()
    gone = subprocess.run([*command[:4], "down"], env=env, capture_output=True, text=True, check=False)
    assert gone.returncode == 0
    assert "There was no lab" in gone.stdout
