"""First frame with 30,000 cached hosts against a trivial Textual app, in real terminals. Aim: at most twice as long."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.lib.pty_run import Term, child, ratio

HOSTS, ROUNDS = 30_000, 7


def first_frame(argv: list[str], mark: bytes) -> float:
    """Return seconds from start until `mark` is on the screen."""
    term = Term(argv, 200, 50)
    try:
        return term.wait_for(mark) - term.started
    finally:
        term.close()


def main() -> int:
    """Run and print; 1 when an aim was missed."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        subprocess.run(child("console_child.py", "make", str(cache), str(HOSTS)), check=True)
        runs: dict[str, list[float]] = {"trivial": [], "hosts": [], "pulse": []}
        for _ in range(ROUNDS):
            runs["trivial"].append(first_frame(child("trivial_app.py"), b"READY"))
            for view, mark in (("hosts", b"edge-"), ("pulse", b"NOT WELL")):
                runs[view].append(first_frame(child("console_child.py", "cache", str(cache), view), mark))
    floor = median(runs["trivial"])
    met = [
        ratio(f"first frame, {HOSTS} cached hosts, {view}", median(runs[view]), floor, "s", 2.0)
        for view in ("hosts", "pulse")
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
