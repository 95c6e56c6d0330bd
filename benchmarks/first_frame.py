"""First frame with 30,000 cached hosts against a trivial Textual app, in terminals. Aim: 1.25 times as long at most.

Both programs run as they do from their second start on: with their byte code on disk, and the console with what it
stores at its first start (`tui/terminal/start_cache.py`). The runs alternate, one of each in a round, so that what else
the machine does falls on all alike; the medians are compared.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, Python looks beside it only

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import Term, child, environment, ratio

HOSTS, ROUNDS = 30_000, 21


def first_frame(argv: list[str], mark: bytes, environ: dict[str, str], quiet: float = 0.0) -> float:
    """Return seconds from start until `mark` is on the screen; end the program when it wrote nothing for `quiet`."""
    term = Term(argv, 200, 50, environ)
    try:
        took = term.wait_for(mark) - term.started
        if quiet:
            term.quiet(quiet)
        return took
    finally:
        term.close()


def main() -> int:
    """Run and print; 1 when an aim was missed."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        environ = {"PYTHONPYCACHEPREFIX": str(Path(folder) / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
        made = child("console_child.py", "make", str(cache), str(HOSTS))
        subprocess.run(made, check=True, env=environment(environ))
        programs = {
            "trivial": (child("trivial_app.py"), b"READY"),
            "hosts": (child("console_child.py", "cache", str(cache), "hosts"), b"edge-"),
            "pulse": (child("console_child.py", "cache", str(cache), "pulse"), b"UNHEALTHY"),
        }
        runs: dict[str, list[float]] = {name: [] for name in programs}
        for turn in range(ROUNDS + 1):
            for name, (argv, mark) in programs.items():
                took = first_frame(argv, mark, environ, 0.0 if turn else 1.0)
                if turn:  # the first round writes what later starts use
                    runs[name].append(took)
    floor = median(runs["trivial"])
    met = [
        ratio(f"first frame, {HOSTS} cached hosts, {view}", median(runs[view]), floor, "s", 1.25)
        for view in ("hosts", "pulse")
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    run_main(main)
