"""`host install` on six hosts and more at once: real systemd, sshd and agents, one hub, faults of single hosts."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.console import Terminal
from tests.e2e.fleet import Fleet, same, until
from tests.e2e.install.field import UNINSTALL, Field
from tests.e2e.install.test_host_install import STAGE, Link, tokens
from tests.support import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
SIX = ("edge1", "edge2", "edge3", "edge4", "edge5", "edge6")
FULL, BROKEN, CUT = "edge7", "edge8", "edge9"
"""No room for the agent; its unit cannot start; the link is cut after the upload."""
FAULTY = (FULL, BROKEN, CUT)
MUTE, TWIN = "mute", "twin"
"""An address that accepts and says nothing; a second name of edge1, by another address."""
BREAK = "/etc/systemd/system/edgewright-agent.service.d"


class Place(NamedTuple):
    """Nine hosts, and the link by which the laptop reaches the one of them that is cut."""

    field: Field
    link: Link


@pytest.fixture(scope="module")
def place(make_fleet: Callable[..., Fleet]) -> Iterator[Place]:
    field = Field(make_fleet("--hosts", "9", "--heartbeat", "5"))
    addresses = {host["name"]: host["address"] for host in field.fleet.shown["hosts"]}
    link, twin = Link(addresses[CUT]), Link(addresses["edge1"])
    with socket.create_server(("127.0.0.1", 0)) as mute:
        field.name_host("cut", CUT, "127.0.0.1", link.port)
        field.name_host(TWIN, "edge1", "127.0.0.1", twin.port)
        field.name_host(MUTE, "edge2", "127.0.0.1", mute.getsockname()[1])
        yield Place(field, link)
    link.close()
    twin.close()


class Row(NamedTuple):
    """A host's row of the table at the end."""

    host: str
    result: str
    uid: str
    health: str
    took: str
    what: str


class Running:
    """An installation that runs; what it reports on stderr is read while it does."""

    def __init__(self, field: Field, *words: str) -> None:
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "edgewright", *field.words(*words, "--yes")],
            env=field.fleet.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[tuple[float, str]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append((time.monotonic() - self.began, line.rstrip()))

    @property
    def said(self) -> str:
        return "\n".join(f"{seconds:6.1f} {line}" for seconds, line in self.lines)

    def wait_for(self, text: str, patience: float = 60.0) -> None:
        """Wait until it has reported a line with this text."""
        try:
            until(text, patience, lambda: any(text in line for _, line in tuple(self.lines)), every=0.01)
        except AssertionError:
            self._process.kill()
            print(self.said)
            raise

    def interrupt(self) -> None:
        assert self._process.poll() is None, self.said
        self._process.send_signal(signal.SIGINT)

    def end(self, patience: float = 400.0) -> tuple[int, dict[str, Row]]:
        """Wait for its end; return the exit code and the rows by target."""
        assert self._process.stdout is not None
        try:
            text = self._process.stdout.read()
            code = self._process.wait(patience)
        finally:
            self._process.kill()
        self._reader.join(10)
        heading, *lines = text.splitlines()
        assert heading.split() == ["HOST", "RESULT", "UID", "HEALTH", "TOOK", "WHAT"], text + self.said
        rows = [Row(*re.split(r"\s{2,}", line.strip(), maxsplit=5)) for line in lines]
        return code, {row.host: row for row in rows}


def result_of(found: dict[str, Row]) -> dict[str, str]:
    return {name: row.result for name, row in found.items()}


def traffic(field: Field) -> dict[str, int]:
    """Return the bytes to each host and from it so far."""
    counted = field.each("cat /sys/class/net/host0/statistics/rx_bytes /sys/class/net/host0/statistics/tx_bytes")
    return {name: sum(map(int, text.split())) for name, text in counted.items()}


def show(found: dict[str, Row], before: dict[str, int], after: dict[str, int]) -> None:
    """Print what each host took."""
    for name, row in found.items():
        host = CUT if name == "cut" else name
        carried = f"{after[host] - before[host]:,} bytes" if host in before else "-"
        print(f"{name:6} {row.result:14} {row.took:>8} {carried:>16}  {row.what}")


def uninstall(field: Field) -> None:
    """Take the agent from all hosts, and the hosts from the plane."""
    field.each(UNINSTALL)
    field.forget()


def free_memory() -> int:
    """Return the bytes that the machine has left."""
    (line,) = (line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    return int(line.split()[1]) << 10


def test_six_are_installed_while_five_others_fail_each_in_its_own_way(place: Place) -> None:
    field, link = place
    known, seen, carried, room = tokens(field.plane), field.look(), traffic(field), free_memory()
    field.within(FULL, "mount -t tmpfs -o size=100m,nr_inodes=4 tmpfs /var/lib")
    field.within(BROKEN, f"mkdir {BREAK}; printf '[Service]\\nExecStartPre=/bin/false\\n' >{BREAK}/broken.conf")
    seen.update(field.look(BROKEN))
    try:
        run = Running(field, *SIX, FULL, BROKEN, "cut", MUTE, TWIN, "--at-a-time", "9", "--tag", "site:berlin")
        run.wait_for("cut: run the agent's installation")
        until("it has begun", 30, (field.fleet.disk(CUT) / STAGE.lstrip("/") / "began").exists, every=0.005)
        link.cut()
        code, found = run.end()
        assert field.within(FULL, "ls -A /var/lib") == ""
    finally:
        field.within(FULL, "umount /var/lib")
    took = time.monotonic() - run.began
    print(run.said)
    show(found, carried, traffic(field))
    print(f"11 targets in {took:.1f} s; {(room - free_memory()) >> 20} MB of memory")
    assert result_of(found) == {
        **dict.fromkeys(SIX, "installed"), **dict.fromkeys((FULL, BROKEN, "cut", MUTE, TWIN), "failed"),
    }  # fmt: skip
    assert code == 1 and "Traceback" not in run.said
    hosts = field.plane.hosts()
    assert set(hosts) == {found[name].uid for name in SIX} and len(hosts) == 6
    assert {found[name].health for name in SIX} == {"healthy"}
    assert tokens(field.plane) == known
    assert "No space left" in found[FULL].what
    assert "`systemctl restart edgewright-agent.service` failed: Job for" in found[BROKEN].what
    assert "did not answer within 10 s" in found[MUTE].what and "the same host as edge1" in found[TWIN].what
    assert run.said.count("is as it was.") == len(FAULTY), "each of them is undone"
    left = field.look(*FAULTY)
    assert all(same(seen[name], left[name]) for name in FAULTY)


def test_the_console_has_six_hosts(place: Place, tmux: str) -> None:
    field = place.field
    console = Terminal(field.fleet.env, ("--context", "lab"), (132, 43))
    try:
        console.wait("All 6 hosts")
        console.write(b":hosts\r")
        for name in SIX:
            console.wait_row(name, "healthy")
        print(console.screen())
    finally:
        console.close()


def test_again_the_six_are_installed_already_and_the_others_follow(place: Place) -> None:
    field = place.field
    field.within(BROKEN, f"rm -r {BREAK}")
    known = tokens(field.plane)
    run = Running(field, *SIX, FULL, BROKEN, "cut")
    code, found = run.end()
    print(run.said)
    assert code == 0 and result_of(found) == {
        **dict.fromkeys(SIX, "installed already"), **dict.fromkeys((FULL, BROKEN, "cut"), "installed"),
    }  # fmt: skip
    assert "9 hosts: 3 installed, 6 installed already." in run.said
    assert len(field.plane.hosts()) == 9 and tokens(field.plane) == known


def test_ctrl_c_in_the_middle_and_again(place: Place) -> None:
    """Those that run end, those that wait do not begin; the next run says of the first that they are installed."""
    field = place.field
    uninstall(field)
    seen, known = field.look(), tokens(field.plane)
    run = Running(field, *SIX, "--at-a-time", "2")
    run.wait_for("edge2: run the agent's installation")
    run.interrupt()
    run.wait_for("No further host begins")
    code, found = run.end()
    print(run.said)
    done = {name for name in SIX if found[name].result == "installed"}
    print(f"{len(done)} installed: {sorted(done)}")
    assert code == 130 and 2 <= len(done) <= 3, run.said
    assert {found[name].result for name in set(SIX) - done} == {"not begun"}
    assert set(field.plane.hosts()) == {found[name].uid for name in done} and tokens(field.plane) == known
    now = field.look(*sorted(set(SIX) - done))
    assert all(same(seen[name], now[name]) for name in now)
    again = Running(field, *SIX, "--at-a-time", "3")
    code, found = again.end()
    print(again.said)
    assert code == 0, again.said
    assert result_of(found) == {name: "installed already" if name in done else "installed" for name in SIX}
    assert len(field.plane.hosts()) == 6 and tokens(field.plane) == known


def test_ctrl_c_twice_while_agents_install_themselves_leaves_nothing(place: Place) -> None:
    """The hosts still run the installation then; it must not go on behind the undo."""
    field = place.field
    uninstall(field)
    seen, known = field.look(), tokens(field.plane)
    run = Running(field, *SIX, "--at-a-time", "3")
    for name in SIX[:3]:
        run.wait_for(f"{name}: run the agent's installation")
    run.interrupt()
    run.wait_for("No further host begins")
    run.interrupt()
    code, found = run.end()
    print(run.said)
    ended = [name for name in SIX if found[name].result == "ended by the user"]
    assert code == 130 and len(ended) >= 1 and run.said.count("is as it was.") >= len(ended)
    assert {found[name].result for name in SIX[3:]} == {"not begun"}
    done = {name for name in SIX if found[name].result == "installed"}
    assert set(field.plane.hosts()) == {found[name].uid for name in done} and tokens(field.plane) == known
    now = field.look(*(name for name in SIX if name not in done))
    assert all(same(seen[name], now[name]) for name in now)


def test_a_thin_link_shows_rate_and_time_left_and_holds_no_other_up(place: Place) -> None:
    """300 ms there and back and 64 kbit/s to one host of three."""
    field = place.field
    uninstall(field)
    field.fleet.lab("fault", "delay", "150", "edge1", "--rate", "64")
    try:
        before = traffic(field)
        run = Running(field, *SIX[:3])
        code, found = run.end()
        after = traffic(field)
    finally:
        field.fleet.lab("fault", "delay", "0", "edge1")
    print(run.said)
    show(found, before, after)
    assert code == 0 and set(result_of(found).values()) == {"installed"}
    sent = [line for _, line in run.lines if line.startswith("edge1: sent ")]
    assert any(re.search(r"[\d.]+ KB/s, about .+ left", line) for line in sent), sent
    ended = [line.partition(":")[0] for _, line in run.lines if ": installed as " in line]
    assert ended[-1] == "edge1", "the others do not wait for it"
