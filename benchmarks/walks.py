"""How many modules of ours three walks pass: heartbeat to cell, key to changed host, answer file to ISO byte.

python benchmarks/walks.py [--tree FOLDER] [--names]
Processes of the tree in FOLDER (default: this one) are driven from outside: a hub, a console in a pty, `apply -f`.
Each has a profiler that notes every module that is entered from the beginning of the walk to its effect. What timers
do meanwhile is in the figure; the modules of an idle time of the same length are printed beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib.ending import run_main  # noqa: E402 - the source tree beside this script
from benchmarks.lib.pty_run import Term  # noqa: E402

RECORDER = ROOT / "benchmarks" / "lib" / "recorder"
NAME = "walk-host-1"


class Walker:
    """Programs of one tree with a home of their own, and what they recorded."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self.tree, self.folder = tree, folder
        self.out = folder / "record"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("EDGEWRIGHT_", "XDG_"))},
            "HOME": str(folder),
            "PYTHONPATH": f"{RECORDER}:{tree}",
            "WALK_OUT": str(self.out),
        }

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "edgewright", *words]
        env = {**self.environment, **more}
        return subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True, check=False)

    def recorded(self) -> set[str]:
        """Return the modules of all records, and remove these."""
        names: set[str] = set()
        for file in self.folder.glob("record.*"):
            names |= set(json.loads(file.read_text()))
            file.unlink()
        return names

    def between(self, pids: list[int], walk: Callable[[], None]) -> tuple[set[str], float]:
        """Return the modules that these processes enter during a walk, and its seconds."""
        self.recorded()
        for pid in pids:
            os.kill(pid, signal.SIGUSR2)
        time.sleep(0.05)
        began = time.monotonic()
        walk()
        took = time.monotonic() - began
        for pid in pids:
            os.kill(pid, signal.SIGUSR2)
        end = time.monotonic() + 10
        while len(list(self.folder.glob("record.*"))) < len(pids) and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.1)
        return self.recorded(), took


class Plane:
    """A hub with one host."""

    def __init__(self, walker: Walker) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url, self.data = f"https://127.0.0.1:{port}", walker.folder / "hub"
        command = [sys.executable, "-m", "edgewright", "hub", "serve", "--data", str(self.data)]
        command += ["--listen", f"127.0.0.1:{port}"]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, env=walker.environment, cwd=walker.folder, stdout=quiet, stderr=quiet)
        end = time.monotonic() + 60
        while True:
            try:
                context = ssl.create_default_context(cafile=str(self.data / "ca.crt"))
                self.admin = httpx.Client(base_url=self.url, verify=context, timeout=20)
                self.admin.get("/v1/health/ready").raise_for_status()
                break
            except (OSError, httpx.HTTPError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self.admin.headers["ApiKey"] = (self.data / "admin-api-key").read_text().strip()
        project = self.admin.get("/v1/dashboard/projects/metadata").json()["items"][0]["metadata"]["uid"]
        body: dict[str, Any] = {"metadata": {"name": "walk"}, "spec": {"defaultProjectUid": project}}
        uid = self.admin.post("/v1/edgehosts/tokens", json=body).json()["uid"]
        token = self.admin.get(f"/v1/edgehosts/tokens/{uid}").json()["spec"]["token"]
        spec = {"host": {"hostUid": NAME, "hostAuthToken": token}, "edgewright": {"registrationId": "a" * 32}}
        body = {"metadata": {"uid": NAME, "name": NAME}, "spec": spec}
        registered = httpx.post(f"{self.url}/v1/edgehosts/register", json=body, verify=context)
        credential = registered.raise_for_status().json()["status"]["serviceAuthToken"]
        self.host = httpx.Client(base_url=self.url, verify=context, headers={"Authorization": credential}, timeout=20)
        self.seq = 0

    def beat(self, cpu: float) -> None:
        """Send a heartbeat."""
        self.seq += 1
        extension = {"seq": self.seq, "bootId": "b" * 32, "cpuPercent": cpu, "load1": 0.1, "memoryUsedMB": 512}
        body = {"state": "healthy", "agentVersion": "0.1.0", "edgewright": extension}
        self.host.patch(f"/v1/edgehosts/{NAME}/health", json=body).raise_for_status()

    def labels(self) -> dict[str, str]:
        """Return the tags of the host."""
        found: dict[str, str] = self.admin.get(f"/v1/edgehosts/{NAME}").json()["metadata"]["labels"]
        return found


@contextlib.contextmanager
def running(walker: Walker) -> Iterator[tuple[Plane, Term]]:
    """Run a hub and a console that shows its hosts."""
    plane = Plane(walker)
    try:
        plane.beat(3)
        words = ["context", "add", "walk", "--url", plane.url, "--ca", str(plane.data / "ca.crt"), "--no-keyring"]
        added = walker.run(*words, "--api-key-file", str(plane.data / "admin-api-key"))
        if added.returncode:
            raise SystemExit(f"context add ended with {added.returncode}: {added.stderr}")
        walker.recorded()
        term = Term([sys.executable, "-m", "edgewright", "--context", "walk"], 200, 60, walker.environment)
        try:
            term.quiet(1.5, 20)
            term.send(b"2")
            term.wait_for(NAME.encode())
            term.quiet(1.5, 8)
            yield plane, term
        finally:
            term.close()
    finally:
        plane.process.terminate()
        plane.process.wait(20)


def heartbeat(plane: Plane, term: Term) -> Callable[[], None]:
    """Return the walk from a heartbeat to the cell that shows its figure."""

    def walk() -> None:
        position = len(term.raw)
        plane.beat(77)
        term.wait_for(b"77", 20, position)

    return walk


def tag(plane: Plane, term: Term) -> Callable[[], None]:
    """Return the walk from keys to a host that has another tag."""

    def walk() -> None:
        term.send(b"t")
        term.quiet(0.3, 5)
        term.send(b"walk:done\r")
        end = time.monotonic() + 20
        while plane.labels().get("walk") != "done":
            if time.monotonic() > end:
                tail = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b" ", term.raw[-3000:]).decode("utf-8", "replace")
                raise SystemExit(f"the tag was not set; the screen has: {tail}")
            term.pump(0.05)

    return walk


def installer(walker: Walker) -> set[str]:
    """Return the modules from an answer file to an ISO."""
    from tests.forge.isos import kairos_iso

    base = kairos_iso(walker.folder, "base.iso")
    example = walker.run("apply", "--example").stdout
    answers = example.replace('base.kind: "appliance"', f'base.kind: "file"\n  base.path: "{base}"')
    file = walker.folder / "answers.yaml"
    file.write_text(answers)
    file.chmod(0o600)
    walker.recorded()
    made = walker.run("apply", "-f", str(file), "--yes", WALK_ALL="1")
    if made.returncode or not list(walker.folder.glob("*.iso")):
        raise SystemExit(f"apply ended with {made.returncode}: {made.stderr}")
    return walker.recorded()


def main() -> int:
    """Take the walks and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, default=ROOT, help="the tree whose programs walk")
    parser.add_argument("--names", action="store_true", help="print the modules, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="walks-") as text:
        walker = Walker(options.tree.resolve(), Path(text))
        walks: dict[str, tuple[set[str], set[str] | None]] = {}
        with running(walker) as (plane, term):
            pids = [plane.process.pid, term.pid]
            for name, walk in (
                ("heartbeat from socket to cell", heartbeat(plane, term)),
                ("key press to changed host", tag(plane, term)),
            ):
                found, took = walker.between(pids, walk)
                term.quiet(1.5, 10)
                idle, _ = walker.between(pids, lambda seconds=took: time.sleep(seconds))  # type: ignore[misc]
                walks[name] = (found, idle)
        walks["answer file to ISO byte"] = (installer(walker), None)
    for name, (entered, meanwhile) in walks.items():
        beside = ""
        if meanwhile is not None:
            beside = f"; idle for as long: {len(meanwhile)}, not entered then: {len(entered - meanwhile)}"
        print(f"{name}: {len(entered)} modules{beside}")
        if options.names:
            print("  " + "\n  ".join(sorted(entered)))
    return 0


if __name__ == "__main__":
    run_main(main)
