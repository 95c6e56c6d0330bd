"""The terminal is taken away from a console, in every way and in every state: the process ends within five seconds.

48 runs: six ways, four states, each twice. The table is printed at the end.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.fleet import command_environment, product
from tests.e2e.terminal.console_terminal import WAYS, ConsoleTerminal, open_console
from tests.e2e.terminal.wizard_answers import ANSWERS
from tests.forge.isos import kairos_iso
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs a pty and /proc")]
LIMIT = 5.0
STATES = ("wizard", "build", "list", "slow link")
CORE = {
    ("tmux kill-window", "build"),
    ("tmux kill-server", "wizard"),
    ("tmux kill -9", "slow link"),
    ("pty closed", "wizard"),
    ("pty closed", "slow link"),
    ("no controlling tty", "list"),
    ("no controlling tty", "build"),
    ("SIGSTOP + close", "list"),
}
"""In the continuous check, once each: every way and every state is among them."""
CASES = [
    pytest.param(way, state, id=f"{way}-{state}-{turn}".replace(" ", "-"), marks=[pytest.mark.core] * core)
    for way in WAYS
    for state in STATES
    for turn in (1, 2)
    for core in [turn == 1 and (way, state) in CORE]
]
SUBREAPER = 36
BASE_SIZE = 400_000_000
"""Bytes of the base installer (sparse): a build of it takes a second or two, longer than the way to its end."""


class Row(NamedTuple):
    """One line of the table."""

    way: str
    state: str
    seconds: float
    code: int | None


@pytest.fixture(scope="module")
def table(pytestconfig: pytest.Config) -> Iterator[list[Row]]:
    """Collect what was measured and print it when the module is done."""
    rows: list[Row] = []
    yield rows
    capture: Any = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{'way':<20} {'state':<10} {'seconds to end':>14} {'exit code':>9}")
        for row in rows:
            print(f"{row.way:<20} {row.state:<10} {row.seconds:>14.2f} {'-' if row.code is None else row.code:>9}")
        print(f"{len(rows)} runs, the longest {max((row.seconds for row in rows), default=0):.2f} s")


@pytest.fixture(scope="module", autouse=True)
def collector() -> Iterator[None]:
    """Collect orphans here and not in the first process, so that their exit codes are known."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(SUBREAPER, 1, 0, 0, 0)
    yield
    prctl(SUBREAPER, 0, 0, 0, 0)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a context for a demo fleet of 30 hosts and a finished build; runs work with copies of it."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    folder = tmp_path_factory.mktemp("gone")
    made = folder / "home"
    made.mkdir()
    env = command_environment(made)
    words = [
        sys.executable,
        "-m",
        "edgewright",
        "demo",
        "--no-console",
        "--hosts",
        "30",
        "--clusters",
        "0",
        "-o",
        "json",
    ]
    demo = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert demo.stdout is not None
        plane = json.loads(demo.stdout.readline())
        words = ["context", "add", "lab", "--url", plane["url"], "--ca", plane["ca"]]
        added = product(env, *words, "--api-key-file", plane["apiKeyFile"], "--no-keyring")
        assert added.returncode == 0, added.stderr
        base = kairos_iso(folder)
        os.truncate(base, BASE_SIZE)
        yield made
    finally:
        demo.send_signal(signal.SIGHUP)  # as a closed window
        demo.wait(30)


def to_state(console: ConsoleTerminal, state: str, home: Path, env: dict[str, str]) -> None:
    """Bring the console to a state by keys."""
    console.wait("Pulse", "FLEET")
    if state in ("list", "slow link"):
        console.press("2")
        console.wait("Hosts", "HOST")
        console.press("j", "j", "k")
    elif state == "wizard":
        console.press("6")
        console.wait("Installers")
        console.press("+")
        console.wait("New installer", "PLANE")
    else:
        answers = home / "shop.yaml"
        answers.write_text(ANSWERS % (home.parent.parent / "base.iso"))
        answers.chmod(0o600)
        begun = product(env, "apply", "-f", str(answers), "--detach")
        assert begun.returncode == 0, begun.stderr
        wait_builds(env, ["done"])
        for made in home.glob("shop-7.*"):
            made.unlink()
        console.press("6")
        console.wait("Installers", "shop-7")
        console.press("r")
        console.wait("SUMMARY", "b build")
        console.press("b")
        console.wait("Installers › shop-7")


def builds(env: dict[str, str]) -> list[str]:
    """Return the states of all builds."""
    listed = product(env, "build", "list", "-o", "json")
    return sorted(build["state"] for build in json.loads(listed.stdout))


def wait_builds(env: dict[str, str], states: list[str]) -> None:
    """Wait until the builds have these states."""
    deadline = time.monotonic() + 60
    while builds(env) != states:
        assert time.monotonic() < deadline, builds(env)
        time.sleep(0.1)


@pytest.mark.parametrize(("way", "state"), CASES)
def test_a_console_without_its_terminal_ends(
    way: str, state: str, home: Path, table: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = home.parent / "runs" / f"{len(table)}"
    shutil.copytree(home, own)
    env = command_environment(own)
    command = [sys.executable, "-m", "edgewright", "--context", "lab"]
    console = open_console(way, command, env, state == "slow link")
    try:
        to_state(console, state, own, env)
        console.take_away()
        seconds, code = console.ended_within(LIMIT)
        table.append(Row(way, state, seconds, code))
        assert code in (None, 129)
        if state == "build":
            wait_builds(env, ["done", "done"])  # the build continues without the console
    finally:
        console.close()
        shutil.rmtree(own, ignore_errors=True)
