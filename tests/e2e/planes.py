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
