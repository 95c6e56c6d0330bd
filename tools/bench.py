"""Run the benchmarks one after the other: `python tools/bench.py [--full] [NAME ...]`.

Each is a row of the table at the end: `ok`, `missed` (an aim was not reached), `skipped` (a program is not installed
here), `failed` or `too long`. The next one runs whatever became of this one. The short form takes less than 15 minutes
on two cores, 25 where Kubernetes for the lab is built; `--full` runs each benchmark in its full size. The exit code is
1 only when one failed or took too long, with `--strict` also for a missed aim.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks"


class Benchmark(NamedTuple):
    """One file of `benchmarks/`: arguments of its short form, programs that it needs, longest times in minutes.

    `packages` are Python packages that it needs and that Edgewright does not depend on.
    """

    name: str
    short: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    minutes: float = 2.0
    full_minutes: float = 10.0
    packages: tuple[str, ...] = ()


BENCHMARKS = (
    Benchmark("cold_start"),
    Benchmark("first_frame"),
    Benchmark("key_to_paint"),
    Benchmark("list_filter"),
    Benchmark("table_50k", ("--quick",)),
    Benchmark("one_cell_bytes"),
    Benchmark("store_throughput"),
    Benchmark("profile_resolve", packages=("jinja2",)),
    Benchmark("profile_search"),
    Benchmark("values_editor"),
    Benchmark("palette_budget"),
    Benchmark("hub_heartbeats", ("5",), ("wrk",)),
    Benchmark("hub_search", ("10000",), minutes=3),
    Benchmark("hub_scale", ("--hosts", "20000"), minutes=3),
    Benchmark("cluster_hub", minutes=3),
    Benchmark("log_cost", minutes=3),
    Benchmark("wake_connections", ("300",)),
    Benchmark("agent_footprint", ("--seconds", "30"), minutes=3),
    Benchmark("oci_pull", ("--megabytes", "64", "--pairs", "5"), ("docker-registry",)),
    Benchmark("cluster_fetch", ("--pairs", "3"), ("docker-registry", "skopeo"), minutes=3),
    Benchmark("cluster_agent", ("--seconds", "60"), ("go", "docker-registry", "systemd-nspawn"), minutes=6),
    Benchmark("cluster_form", ("--only", "1"), ("go", "docker-registry", "systemd-nspawn"), minutes=8, full_minutes=20),
    Benchmark("forge_iso", ("--megabytes", "300", "--times", "2"), ("xorriso", "mksquashfs")),
    Benchmark("forge_sites", (), ("xorriso",)),
    Benchmark("ssh_fanout", ("--hosts", "60", "--rounds", "2"), ("ssh", "xargs")),
    Benchmark("site_first_cause", ("--rounds", "3"), ("ssh-keygen",)),
    Benchmark("site_logs", ("--seconds", "10"), ("ssh-keygen",), minutes=4),
    Benchmark("soak", ("--hours", "4", "--step", "120"), minutes=3),
    Benchmark("workloads", ("--pods", "500", "--rounds", "1"), ("openssl",), minutes=4),
    Benchmark("slow_link", ("--no-stock", "--rest", "3", "20"), minutes=3, full_minutes=25),
)
SKIPPED = 77
"""The exit code of a benchmark that lacks something here, with a sentence on stderr."""
HELPERS = ("pairs", "simulated_palette", "virtual_time", "walks")
"""Files of `benchmarks/` that are none: imported by others, a comparison (pairs), a count of modules (walks)."""


class Row(NamedTuple):
    """What became of a benchmark; `note` is one line."""

    name: str
    outcome: str
    seconds: float
    note: str = ""


def outcome_of(code: int, errors: str) -> tuple[str, str]:
    """Return the outcome of an exit code and what was written to stderr, with a note.

    A benchmark returns 1 for a missed aim; a defect ends it with the same code, and with a traceback or a sentence.
    """
    last = next((line for line in reversed(errors.splitlines()) if line.strip()), "")
    if code == 0:
        return "ok", ""
    if code == SKIPPED:
        return "skipped", last[:120]
    if code == 1 and not last:
        return "missed", "an aim was not reached, see above"
    return "failed", (last or f"exit code {code}")[:120]


def run(benchmark: Benchmark, full: bool) -> Row:
    """Run one benchmark with its output on this terminal; stderr is repeated after it."""
    missing = [program for program in benchmark.needs if shutil.which(program) is None]
    missing += [package for package in benchmark.packages if importlib.util.find_spec(package) is None]
    if missing:
        return Row(benchmark.name, "skipped", 0.0, f"not installed: {', '.join(missing)}")
    command = [sys.executable, str(FOLDER / f"{benchmark.name}.py"), *(() if full else benchmark.short)]
    limit = 60 * (benchmark.full_minutes if full else benchmark.minutes)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        _, errors = process.communicate(timeout=limit)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)  # with the programs that it started
        process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        return Row(benchmark.name, "too long", time.monotonic() - began, f"ended after {limit:.0f} s")
    sys.stderr.write(errors)
    return Row(benchmark.name, *_with_time(outcome_of(process.returncode, errors), time.monotonic() - began))


def _with_time(outcome: tuple[str, str], seconds: float) -> tuple[str, float, str]:
    return outcome[0], seconds, outcome[1]


def table(rows: Sequence[Row]) -> str:
    """Return the summary: a line for each benchmark, and the counts."""
    lines = [f"{row.name:<18}{row.outcome:<10}{row.seconds:>6.0f} s  {row.note}".rstrip() for row in rows]
    counts = {
        outcome: sum(row.outcome == outcome for row in rows) for outcome in dict.fromkeys(r.outcome for r in rows)
    }
    total = sum(row.seconds for row in rows)
    return "\n".join(
        [*lines, ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + f"; {total:.0f} s"]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was selected and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run (default: all)")
    parser.add_argument("--full", action="store_true", help="the full size of each (about an hour)")
    parser.add_argument("--strict", action="store_true", help="exit 1 for a missed aim as well")
    options = parser.parse_args(arguments)
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    rows = []
    for benchmark in [known[name] for name in options.names] or BENCHMARKS:
        print(f"\n== {benchmark.name}", flush=True)
        rows.append(run(benchmark, options.full))
    print("\n" + table(rows))
    bad = ("failed", "too long", "missed") if options.strict else ("failed", "too long")
    return 1 if any(row.outcome in bad for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
