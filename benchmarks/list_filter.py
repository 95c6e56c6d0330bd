"""A filter on 30,000 hosts from the key to the frame, and the memory of the console with them; each with its floor.

A filter is compared with a plain loop over the same rows in the same run (a list comprehension with one comparison and
a sort of what it found), clearing it with a sort of all rows. The aim of a filter is what a public peer needs for as
many rows. The memory is compared with that of a trivial app which has the same rows as plain objects.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, Python looks beside it only

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import child, environment, ratio

HOSTS = 30_000
PEER = 0.012 / 1850
"""Seconds for each object that a public console for Kubernetes needs to set a filter (12 ms on 1,850 objects)."""

LONGEST = 0.02
"""Seconds for which a filter may keep the event loop from a key, at the most."""


def result_of(mode: str) -> object:
    """Return what a child measured."""
    done = subprocess.run(
        child("filter_child.py", mode, str(HOSTS)), check=True, env=environment(), capture_output=True, text=True
    )
    return json.loads(done.stdout)


def main() -> int:
    """Run and print; 1 when an aim was missed."""
    times = result_of("filter")
    assert isinstance(times, dict)
    met = []
    for name, seconds in times.items():
        if name.startswith("set "):
            met.append(
                ratio(
                    f"{name}, {HOSTS} hosts", seconds * 1000, times["loop"] * 1000, "ms", PEER * HOSTS / times["loop"]
                )
            )
    for name, seconds in times.items():
        if name.startswith("wait "):
            met.append(ratio(f"key waits, {name[5:]}", seconds * 1000, LONGEST * 1000, "ms", 1.0))
    met.append(ratio(f"clear a filter, {HOSTS} hosts", times["clear"] * 1000, times["sort"] * 1000, "ms", 1.5))
    console, plain = result_of("console"), result_of("plain")
    assert isinstance(console, int) and isinstance(plain, int)
    met.append(ratio(f"RSS of the console, {HOSTS} hosts", console / 1e6, plain / 1e6, "MB", 1.25))
    return 0 if all(met) else 1


if __name__ == "__main__":
    run_main(main)
