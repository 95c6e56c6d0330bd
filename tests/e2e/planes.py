"""A plane with a few simulated hosts for the tests of the console: real processes, gone after the module."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.console import Console
from tests.e2e.fleet import command_environment


@dataclass
class SmallPlane:
    """Where the plane is, and what a console needs to reach it."""

    url: str
    ca: Path
    key: Path

    def console(self, home: Path, columns: int = 80, lines: int = 24) -> Console:
        """Return a console that shows this plane, when its first hosts are on the screen."""
        console = Console(home, self.url, self.ca, self.key, columns, lines)
        try:
            console.wait("Pulse", "FLEET", patience=40)
        except AssertionError:
            console.close()
            raise
        return console


@contextlib.contextmanager
def small_plane(folder: Path, hosts: int = 9, clusters: int = 0) -> Iterator[SmallPlane]:
    """Run a hub and `hosts` simulated hosts, faults among them, which form `clusters`, with their data in `folder`."""
    env = command_environment(folder / "home")
    (folder / "home").mkdir(parents=True)
    words = ["demo", "--no-console", "--hosts", str(hosts), "--clusters", str(clusters)]
    words += ["--data", str(folder / "hub")]
    with (folder / "demo.out").open("w") as out:
        demo = subprocess.Popen(
            [sys.executable, "-m", "edgewright", *words],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )
    try:
        yield _await_plane(folder, demo)
    finally:
        demo.send_signal(signal.SIGTERM)
        try:
            demo.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(demo.pid, signal.SIGKILL)


def end_local_plane(home: Path) -> None:
    """End what a console with this home has started and what outlives it: a hub, and the agent of this machine.

    They are found by the folder that they were given, whatever the console had noted of them when it ended.
    """
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 2.0)):
        deadline = time.monotonic() + patience
        for pid in started_in(home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while (left := started_in(home)) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not left:
            return


def started_in(home: Path) -> list[int]:
    """Return the processes of the product, but consoles, whose arguments have a path in `home`."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
            ended = path.with_name("stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        inside = any(word.startswith(f"{home}/".encode()) for word in words)
        if inside and b"edgewright" in words and not ended:
            found.append(int(path.parent.name))
    return found


def _await_plane(folder: Path, demo: subprocess.Popen[bytes]) -> SmallPlane:
    deadline = time.monotonic() + 60
    while True:
        text = (folder / "demo.out").read_text()
        found = dict(word.split("=", 1) for word in text.split() if word.startswith("EDGEWRIGHT_"))
        if "EDGEWRIGHT_API_KEY_FILE" in found:
            return SmallPlane(
                found["EDGEWRIGHT_URL"], Path(found["EDGEWRIGHT_CA"]), Path(found["EDGEWRIGHT_API_KEY_FILE"])
            )
        assert demo.poll() is None and time.monotonic() < deadline, text
        time.sleep(0.1)
