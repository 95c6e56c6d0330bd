"""Time from the start of `edgewright --help` to its end, against `python -c pass` in the same run. Aim: 4 at most."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.lib.ending import run_main  # noqa: E402 - the source tree beside this script

AIM = 4.0


def measure(runs: int = 40) -> tuple[float, float]:
    """Return the best seconds of the floor and of `--help`, by hyperfine where it is, else by our own clock.

    The best of the runs, since whatever else the machine does can only add.
    """
    floor = [sys.executable, "-c", "pass"]
    ours = [sys.executable, "-m", "edgewright", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "times.json"
        command = ["hyperfine", "-N", "--warmup", "5", "--runs", str(runs), "--export-json", str(out)]
        try:
            subprocess.run(
                [*command, " ".join(floor), " ".join(ours)], check=True, capture_output=True, env=environment, cwd=ROOT
            )
            results = json.loads(out.read_text())["results"]
            return results[0]["min"], results[1]["min"]
        except FileNotFoundError:
            return _own_clock(floor, runs, environment), _own_clock(ours, runs, environment)


def _own_clock(command: list[str], runs: int, environment: dict[str, str]) -> float:
    import time

    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> int:
    floor, ours = measure()
    ratio = ours / floor
    print(f"python -c pass        {floor * 1000:6.1f} ms")
    print(f"edgewright --help     {ours * 1000:6.1f} ms   {ratio:.2f} x the floor (aim: {AIM:.0f} x at most)")
    return 0


if __name__ == "__main__":
    run_main(main)
