"""Workloads of 5,000 pods in the console and in k9s, in the same run, and `kube get` against kubectl.

    python benchmarks/workloads.py [--pods N] [--rounds N] [--api FOLDER] [--only k9s|kubectl] [--pods-by kwok|stand-in]

The API is a real kube-apiserver with etcd and no kubelets: pods are made through it. kwok (PATH, `EDGEWRIGHT_KWOK`)
answers for the kubelets where it is there: kube-scheduler places the pods, and some crash and some are not ready at
times while the programs watch. Without it a stand-in sets each status once. The first line says which.
`--api` takes an API that runs already (a folder with `kubeconfig` and `address`). The console reaches it over the route
of `kube proxy` (a local port of its own process), k9s directly. Both have a terminal of 132x43; what each shows is read
by an emulator. k9s is taken from PATH or `EDGEWRIGHT_K9S`; kubectl is that of the ready parts. `kube get` runs as a
user runs it; its plane is a stand-in, a process that is asked over HTTPS: the plane's two answers are in the figure.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.emulator import XtermScreen, XtermStream
from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import Term, ratio
from benchmarks.lib.workload_pods import ALL, SPACES, fill, keep
from edgewright.yamltext.writer import write
from tests.e2e.kubernetes.workloads import kwok, plane_server
from tests.e2e.kubernetes.workloads.api_server import NAME, ApiServer, parts

COLUMNS, LINES = 132, 43
KEYS = 30
SKIPPED = 77


class Api(NamedTuple):
    """A running API."""

    folder: Path
    address: str

    @property
    def kubeconfig(self) -> Path:
        """The file that k9s and kubectl get."""
        return self.folder / "kubeconfig"


class Seen:
    """A program in a terminal, and what it shows."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.term = Term(argv, COLUMNS, LINES, environment)
        self.screen = XtermScreen(COLUMNS, LINES)
        self._stream = XtermStream(self.screen)
        self._fed = 0

    def text(self) -> str:
        """Return what is on the screen now."""
        new, self._fed = self.term.raw[self._fed :], len(self.term.raw)
        if b"\x1b[6n" in new:
            self.term.send(b"\x1b[1;1R" * new.count(b"\x1b[6n"))  # as a terminal answers where its cursor is
        self._stream.feed(new)
        return "\n".join(self.screen.display)

    def until(self, truth: Callable[[str], bool], timeout: float = 90.0) -> float:
        """Wait until the screen shows something; return when. Raises `TimeoutError`."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.term.pump(0.005):
                now = time.monotonic()
                if truth(self.text()):
                    return now
        raise TimeoutError(f"not seen in {timeout:.0f} s:\n{self.text()}")

    def rest(self, seconds: float) -> None:
        """Read on for a time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.term.pump(0.02):
                self.text()

    def memory(self) -> float:
        """Return the resident memory in MB."""
        status = Path(f"/proc/{self.term.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


class Figures(NamedTuple):
    """What was measured of one program: seconds, and MB."""

    first: float
    complete: float
    filtered: float
    key: float
    memory: float


def measure(argv: list[str], environment: dict[str, str], pods: int, total: Callable[[str], bool]) -> Figures:
    """Start a program, wait for its table, set a filter, press keys. `total` finds the number of all pods."""
    seen = Seen(argv, environment)
    try:
        first = seen.until(lambda text: text.count(ALL) > 10) - seen.term.started
        complete = seen.until(total) - seen.term.started
        seen.rest(3.0)
        waits = []
        for at in range(KEYS):
            before = seen.term.raw
            began = time.monotonic()
            seen.term.send(b"j")
            row = _cursor_after(seen, len(before), began)
            waits.append(row)
            seen.rest(0.12 + at % 5 * 0.011)
        memory = seen.memory()
        wanted = f"{pods * 4321 // 5000:05d}"
        seen.term.send(b"/")
        seen.rest(0.5)
        began = time.monotonic()
        seen.term.send(wanted.encode() + b"\r")
        filtered = seen.until(lambda text: f"{ALL}{wanted}" in text and text.count(ALL) <= 4) - began
        return Figures(first, complete, filtered, median(waits), memory)
    finally:
        seen.term.close()


def _cursor_after(seen: Seen, size: int, began: float) -> float:
    """Return seconds until something was painted after a key. Raises `TimeoutError`."""
    while time.monotonic() - began < 10:
        seen.term.pump(0.001)
        if len(seen.term.raw) > size:
            now = time.monotonic()
            seen.text()
            return now - began
    raise TimeoutError("nothing was painted after a key")


@contextmanager
def running(pods: int, kept_by: Path | None) -> Iterator[Api]:
    """Start an API with nodes and pods that kwok or (None) a stand-in for kubelets keeps, and end it."""
    with tempfile.TemporaryDirectory(prefix="edgewright-api-") as name:
        folder = Path(name)
        server = ApiServer(folder)
        try:
            (folder / "kubeconfig").write_text(write(server.config()))
            (folder / "kubeconfig").chmod(0o600)
            (folder / "address").write_text(server.address)
            asyncio.run(fill(server, pods) if kept_by is None else keep(server, pods, kept_by))
            yield Api(folder, server.address)
        finally:
            server.stop()


def compare(api: Api, pods: int, rounds: int, k9s: str) -> list[bool]:
    """Measure both programs in turn and print the medians; returns which aims were met."""
    home = api.folder / "home"
    home.mkdir(exist_ok=True)
    plain = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    ours_argv = [sys.executable, "-m", "tests.e2e.kubernetes.workloads.console", str(api.folder), "pods"]
    peer_argv = [
        k9s,
        "--kubeconfig",
        str(api.kubeconfig),
        "-A",
        "-c",
        "pods",
        "--readonly",
        "--logoless",
        "--splashless",
    ]
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(measure(ours_argv, plain, pods, lambda text: f"{pods:,} ·" in text and "watched" in text))
        peer.append(measure(peer_argv, plain, pods, lambda text: f"[{pods:,}]" in text))
    met = []
    rows = (
        ("first table", "first", "s"), ("all rows", "complete", "s"), ("set a filter", "filtered", "ms"),
        ("key to paint", "key", "ms"), ("RSS", "memory", "MB"),
    )  # fmt: skip
    for label, name, unit in rows:
        factor = 1000.0 if unit == "ms" else 1.0
        mine, other = (median(getattr(each, name) for each in many) * factor for many in (ours, peer))
        met.append(ratio(f"{label}, {pods} pods, against k9s", mine, other, unit, 1.0))
    return met


def kube_get(api: Api, kubectl: str, rounds: int) -> bool:
    """Compare `kube get` with kubectl itself on one list."""
    arguments = ["pods", "-n", SPACES[0]]
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PATH": f"{api.folder}:{os.environ['PATH']}", "HOME": str(api.folder)}
    ours_argv = [sys.executable, "-m", "edgewright", "kube", "get", NAME, arguments[0], "--", *arguments[1:]]
    peer_argv = [kubectl, f"--kubeconfig={api.kubeconfig}", "get", *arguments]
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    with plane_server.running(api.folder) as plane:
        environment |= {"PYTHONPATH": root, **plane}
        for _ in range(rounds + 1):
            for name, argv in (("ours", ours_argv), ("peer", peer_argv)):
                began = time.monotonic()
                done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=120)
                times[name].append(time.monotonic() - began)
                assert done.returncode == 0 and done.stdout.count(ALL) > 10, done.stderr
    print(f"kube get, its first time, by the ordinary way: {times['ours'][0]:.2f} s")
    mine, other = (median(each[1:]) for each in (times["ours"], times["peer"]))
    return ratio(f"kube get pods -n {SPACES[0]} against kubectl", mine, other, "s", 1.5)


def main() -> int:
    """Run and print; 1 when an aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--api", type=Path)
    parser.add_argument("--only", choices=("k9s", "kubectl"), help="compare with one of the two")
    parser.add_argument("--pods-by", choices=("kwok", "stand-in"), help="who answers for the kubelets (default: kwok)")
    given = parser.parse_args()
    named = os.environ.get("EDGEWRIGHT_K9S", "")
    k9s = named if os.path.isfile(named) else shutil.which("k9s") or ""
    if parts() is None or not (k9s or given.only == "kubectl"):
        print("needs the ready parts of Kubernetes (edgewright lab kubernetes build) and k9s on PATH", file=sys.stderr)
        return SKIPPED
    kept_by = None if given.pods_by == "stand-in" else kwok.program()
    if given.pods_by == "kwok" and kept_by is None:
        print(f"there is no kwok: {kwok.HINT}", file=sys.stderr)
        return SKIPPED
    if given.api is not None:
        return _all(Api(given.api, (given.api / "address").read_text().strip()), given, k9s)
    with running(given.pods, kept_by) as api:
        return _all(api, given, k9s)


def _all(api: Api, given: argparse.Namespace, k9s: str) -> int:
    met = [] if given.only == "kubectl" else compare(api, given.pods, given.rounds, k9s)
    if given.only != "k9s":
        met.append(kube_get(api, str(api.folder / "kubectl"), given.rounds))
    return 0 if all(met) else 1


if __name__ == "__main__":
    run_main(main)
