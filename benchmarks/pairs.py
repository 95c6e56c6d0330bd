"""Compare two trees: their runs alternate, so that what else the machine does falls on both alike.

    python benchmarks/pairs.py OLD NEW [--pairs N] [--only NAME ...]

OLD and NEW are folders with a checkout each (`git worktree add OLD COMMIT`). Each pair measures in both trees: the
first frame, the time from a key to its paint, heartbeats of a hub, its search, and `--help`. Which tree is first
changes with each pair. Each figure is printed for both trees with the median of the ratios new/old of all pairs and the
quartiles of these ratios: a difference within the quartiles is noise. The console's figures are also printed as a
multiple of a trivial Textual application in the same run. 11 pairs take about 15 minutes on two quiet cores.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import Term

CACHED_HOSTS, KEYS, EVENTS = 30_000, 20, 500
HEARTBEAT_SECONDS, SEARCH_HOSTS, HELP_RUNS, FRAMES = 3, 5_000, 10, 3
RATE = re.compile(r"^hub heartbeats/s\s+(\d+)", re.MULTILINE)
PAGE = re.compile(r"^page of 50, .*?([\d.]+) ms", re.MULTILINE)
FILL = re.compile(r"^fill by pages.*?([\d.]+) s", re.MULTILINE)
Figures = Mapping[str, Sequence[float]]


class Tree(NamedTuple):
    """A checkout, and a folder for what its programs write."""

    folder: Path
    scratch: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of its programs: modules of this tree, byte code of its own."""
        return {
            "PYTHONPATH": str(self.folder),
            "PYTHONPYCACHEPREFIX": str(self.scratch / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    def run(self, *arguments: str) -> str:
        """Run Python in this tree and return its output; exit code 1 (an aim was missed) is accepted.

        Raises SystemExit with the last line of stderr for any other end.
        """
        command = [sys.executable, *arguments]
        environment = {**os.environ, **self.environment}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise SystemExit(f"pairs: {' '.join(arguments)} failed in {self.folder}: {last}")
        return done.stdout

    def terminal(self, size: tuple[int, int], program: str, *arguments: str) -> Term:
        """Start a program of `benchmarks/lib` in a terminal of `size` columns and lines."""
        script = str(self.folder / "benchmarks" / "lib" / program)
        return Term([sys.executable, "-P", script, *arguments], *size, self.environment)


def cache_of(tree: Tree) -> Path:
    """Return the cache file of the tree, written by its own code at the first use."""
    path = tree.scratch / "cache"
    if not path.exists():
        tree.run("-P", "benchmarks/lib/console_child.py", "make", str(path), str(CACHED_HOSTS))
    return path


def first_frame(tree: Tree, mark: bytes, program: str, *arguments: str) -> float:
    """Return the median milliseconds from start until `mark` is on the screen, not of the first start in this run."""
    times = []
    started = tree.scratch / f"started-{mark.decode()}"
    for _ in range(FRAMES + (not started.exists())):
        term = tree.terminal((200, 50), program, *arguments)
        try:
            times.append((term.wait_for(mark) - term.started) * 1000)
            if not started.exists():
                term.quiet(1.0)  # the first start writes what later ones use
        finally:
            term.close()
        started.touch()
    return median(times[-FRAMES:])


def key_to_paint(tree: Tree, mark: bytes, program: str, *arguments: str) -> list[float]:
    """Return the milliseconds from a key to its effect on the screen, for each key."""
    term = tree.terminal((160, 50), program, *arguments)
    try:
        term.wait_for(mark)
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            term.pump(0.02)
        times = []
        for index in range(KEYS):
            before, began = len(term.raw), time.monotonic()
            term.send(b" ")
            times.append((term.wait_for(b"marked", 10, before) - began) * 1000)
            end = time.monotonic() + 0.2 + index % 7 * 0.013
            term.send(b" ")
            while time.monotonic() < end:
                term.pump(0.01)
        return times
    finally:
        term.close()


def frame_figures(tree: Tree) -> Figures:
    """Measure the first frames."""
    cache = str(cache_of(tree))
    return {
        "first frame, trivial (ms)": [first_frame(tree, b"READY", "trivial_app.py")],
        "first frame, Hosts (ms)": [first_frame(tree, b"edge-", "console_child.py", "cache", cache, "hosts")],
        "first frame, Pulse (ms)": [first_frame(tree, b"UNHEALTHY", "console_child.py", "cache", cache, "pulse")],
    }


def key_figures(tree: Tree) -> Figures:
    """Measure key to paint with the whole fleet in the console and events that arrive all the time."""
    return {
        "key to paint, trivial (ms)": key_to_paint(tree, b"READY", "trivial_app.py"),
        "key to paint, Hosts (ms)": key_to_paint(
            tree, b"edge-", "console_child.py", "live", str(CACHED_HOSTS), str(EVENTS)
        ),
    }


def heartbeat_figures(tree: Tree) -> Figures:
    """Measure the heartbeats that a hub stores."""
    if shutil.which("wrk") is None:
        return {}
    output = tree.run("benchmarks/hub_heartbeats.py", str(HEARTBEAT_SECONDS))
    return {"heartbeats (1/s, more is better)": [float(rate) for rate in RATE.findall(output)]}


def search_figures(tree: Tree) -> Figures:
    """Measure the search of a hub: the median of its kinds of page, and the fill of a console."""
    output = tree.run("benchmarks/hub_search.py", str(SEARCH_HOSTS))
    return {
        "search, page of 50 (ms)": [median(float(value) for value in PAGE.findall(output))],
        "search, fill (s)": [float(value) for value in FILL.findall(output)],
    }


def help_figures(tree: Tree) -> Figures:
    """Measure `edgewright --help`."""
    times = []
    for _ in range(HELP_RUNS):
        began = time.perf_counter()
        tree.run("-m", "edgewright", "--help")
        times.append((time.perf_counter() - began) * 1000)
    return {"--help (ms)": [median(times)]}


MEASURES: dict[str, Callable[[Tree], Figures]] = {
    "frame": frame_figures,
    "key": key_figures,
    "heartbeats": heartbeat_figures,
    "search": search_figures,
    "help": help_figures,
}
Runs = Mapping[str, list[Sequence[float]]]
"""For each figure, what each pair measured."""


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile, of a single value that value."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def line(name: str, old: Runs, new: Runs, of: Callable[[Sequence[float]], float]) -> str:
    """Return the line of one figure; `of` makes one number of what a pair or all pairs measured."""
    each = [of(after) / of(before) for before, after in zip(old[name], new[name], strict=True)]
    low, middle, high = quantiles(each, n=4, method="inclusive") if len(each) > 1 else (each[0],) * 3
    pooled = [of([value for run in runs[name] for value in run]) for runs in (old, new)]
    text = f"{name:34}{pooled[0]:10.2f}{pooled[1]:10.2f}   new/old {middle:.2f} ({low:.2f} to {high:.2f})"
    part, _, rest = name.partition(",")
    trivial = f"{part}, trivial (ms)"
    if trivial not in old or trivial == name or not rest:
        return text
    floors = [of([value for run in runs[trivial] for value in run]) for runs in (old, new)]
    return f"{text}   x trivial {pooled[0] / floors[0]:.2f}, {pooled[1] / floors[1]:.2f}"


def report(old: Runs, new: Runs) -> str:
    """Return the table: a line for each figure, two (median and p95) for what has several values in a pair."""
    lines = [f"{'median of all pairs':34}{'old':>10}{'new':>10}"]
    lines += [line(name, old, new, median) for name in old]
    several = [name for name in old if any(len(run) > 1 for run in old[name])]
    if several:
        lines += ["95th percentile", *(line(name, old, new, p95) for name in several)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pairs and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("old", type=Path, help="folder of the old tree")
    parser.add_argument("new", type=Path, help="folder of the new tree")
    parser.add_argument("--pairs", type=int, default=11, help="number of pairs (default: 11)")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), help="measure these and no others")
    options = parser.parse_args(arguments)
    for folder in (options.old, options.new):
        if not (folder / "benchmarks" / "lib" / "console_child.py").is_file():
            parser.error(f"{folder} is not a checkout of this project: benchmarks/lib/console_child.py is missing")
    if options.pairs < 1:
        parser.error("--pairs: give 1 or more")
    began = time.monotonic()
    old: dict[str, list[Sequence[float]]] = defaultdict(list)
    new: dict[str, list[Sequence[float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        sides: list[tuple[Tree, dict[str, list[Sequence[float]]]]] = []
        for name, folder, runs in (("old", options.old, old), ("new", options.new, new)):
            tree = Tree(folder.resolve(), Path(scratch) / name)
            tree.scratch.mkdir()
            sides.append((tree, runs))
        for pair in range(options.pairs):
            for name in options.only or MEASURES:
                for tree, runs in sides if pair % 2 == 0 else reversed(sides):
                    for figure, values in MEASURES[name](tree).items():
                        runs[figure].append(values)
            print(f"pair {pair + 1} of {options.pairs}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(report(old, new))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{options.pairs} pairs, {time.monotonic() - began:.0f} s, load {load}")
    return 0


if __name__ == "__main__":
    run_main(main)
