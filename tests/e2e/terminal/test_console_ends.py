"""Signals end a console whose event loop is blocked, and what a demonstration started does not outlive it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import command_environment, until
from tests.e2e.terminal.console_terminal import ConsoleTerminal, InPty, open_console, runs
from tests.tui.screens.test_replay import recording

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs a pty")]
LIMIT = 5.0
NO_TTY = pytest.param("no controlling tty", marks=pytest.mark.core)
IN_CONSOLE = pytest.param("in its console", marks=pytest.mark.core)


@pytest.fixture
def blocked(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ConsoleTerminal]:
    """A console with a blocked event loop."""
    way = getattr(request, "param", "pty closed")
    command = [sys.executable, "-m", "tests.e2e.terminal.blocked_console"]
    console = open_console(way, command, command_environment(tmp_path), slow=False)
    try:
        console.wait("blocked")
        yield console
    finally:
        console.close()


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        pytest.param((signal.SIGHUP,), 129, marks=pytest.mark.core),
        ((signal.SIGTERM,), 143),
        ((signal.SIGINT, signal.SIGINT), 130),
    ],
)
def test_a_signal_ends_a_blocked_console_and_restores_the_terminal(
    blocked: ConsoleTerminal, numbers: tuple[int, ...], code: int
) -> None:
    for number in numbers:
        os.kill(blocked.pid, number)
        time.sleep(0.1)
    seconds, ended = blocked.ended_within(LIMIT)
    assert ended == code
    assert seconds > 2, "the orderly way had its time"
    for text in ("The console did not respond and was stopped.", "last step"):
        until(f"{text!r} is on the screen", 5, lambda text=text: text in blocked.screen())  # type: ignore[misc]


def test_a_second_signal_ends_a_blocked_console_at_once(blocked: ConsoleTerminal) -> None:
    os.kill(blocked.pid, signal.SIGTERM)
    time.sleep(0.6)
    os.kill(blocked.pid, signal.SIGTERM)
    seconds, code = blocked.ended_within(LIMIT)
    assert (code, seconds < 1) == (143, True)


def test_ctrl_c_ends_a_console_that_waits_for_a_thread_when_it_is_left(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.e2e.terminal.blocked_console", "thread"]
    console = open_console("pty closed", command, command_environment(tmp_path), slow=False)
    try:
        console.wait("blocked")
        console.press("\x11")
        time.sleep(1.5)
        console.press("\x03")
        seconds, code = console.ended_within(LIMIT)
        assert (code, seconds < 2) == (130, True)
        assert "Traceback" not in console.screen()
    finally:
        console.close()


@pytest.mark.parametrize("blocked", ["pty closed", NO_TTY, "SIGSTOP + close"], indirect=True)
def test_a_blocked_console_without_its_terminal_ends(blocked: ConsoleTerminal) -> None:
    blocked.take_away()
    assert blocked.ended_within(LIMIT)[1] == 129


@pytest.mark.parametrize("low_bandwidth", ["true", "false"])
@pytest.mark.parametrize(("then", "code"), [("closed", 129), (signal.SIGTERM, 143)])
def test_a_terminal_that_stalls_with_keys_under_way_ends_it_like_any_other(
    tmp_path: Path, low_bandwidth: str, then: str | int, code: int
) -> None:
    env = {**command_environment(tmp_path), "EDGEWRIGHT_LOW_BANDWIDTH": low_bandwidth}
    command = [sys.executable, "-m", "edgewright", "replay", str(recording(tmp_path / "day.rec"))]
    console = open_console("no controlling tty", command, env, slow=False)
    assert isinstance(console, InPty)
    try:
        console.wait("replay")
        console.stall()
        for _ in range(40):
            console.press("2", "3", "1")
        if isinstance(then, int):
            os.kill(console.pid, then)
        else:
            console.take_away()
        assert console.ended_within(LIMIT)[1] == code
        assert not list(tmp_path.rglob("crashes/*")), "no crash: the terminal was gone"
    finally:
        console.close()


@pytest.mark.parametrize("begin", ["at its start", IN_CONSOLE, "with --no-console"])
def test_hub_and_hosts_of_a_demonstration_end_with_its_terminal(tmp_path: Path, begin: str) -> None:
    words = [sys.executable, "-m", "edgewright", "demo", "--hosts", "10", "--data", str(tmp_path / "demo")]
    words += ["--no-console"] if begin == "with --no-console" else []
    note = tmp_path / "demo" / "local.json"
    console = open_console("pty closed", words, command_environment(tmp_path), slow=False)
    assert isinstance(console, InPty)
    try:
        if begin == "in its console":
            console.wait("Pulse", "FLEET", "10 hosts")
        elif begin == "with --no-console":
            console.wait("EDGEWRIGHT_URL=")
        else:
            console.wait("Starting a hub")
            wait_for_file(note)
        pids = [pid for name, pid in json.loads(note.read_text()).items() if name in ("hub", "simulated")]
        assert pids
        assert all(map(runs, pids))
        console.take_away()
        console.ended_within(LIMIT)
        assert not any(map(runs, pids))
    finally:
        console.close()


@pytest.mark.parametrize("way", ["terminal gone", "kill -9 of the console"])
def test_a_demonstration_of_the_guide_ends_with_its_console(tmp_path: Path, way: str) -> None:
    console = open_console(
        "pty closed", [sys.executable, "-m", "edgewright"], command_environment(tmp_path), slow=False
    )
    try:
        console.wait("demo fleet")
        console.press("4")
        console.wait("Pulse", "FLEET", "simulated", "• live")
        pids = children(console.pid)
        assert len(pids) == 2
        if way == "terminal gone":
            console.take_away()
        else:
            os.kill(console.pid, signal.SIGKILL)
        console.ended_within(LIMIT)
        deadline = time.monotonic() + LIMIT
        while any(map(runs, pids)):
            assert time.monotonic() < deadline, "hub or hosts are left behind"
            time.sleep(0.05)
    finally:
        console.close()


def children(pid: int) -> list[int]:
    """Return the direct children of a process, whichever thread started them."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def wait_for_file(path: Path) -> None:
    """Wait until a file is there."""
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
