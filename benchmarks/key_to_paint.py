"""From a key to its effect on the screen while 500 events a second come in, against a trivial idle app.

Both programs get the same key in the same kind of terminal and show the same word. Aim: p95 at most 1.5 x trivial.
"""

from __future__ import annotations

import time
from statistics import median, quantiles

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import Term, child, ratio

KEYS, HOSTS, RATE = 60, 5000, 500


def latencies(argv: list[str], ready: bytes) -> list[float]:
    """Return seconds from the key to the word, many times."""
    term = Term(argv)
    try:
        term.wait_for(ready)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            term.pump(0.02)
        found: list[float] = []
        for index in range(KEYS):
            before = len(term.raw)
            began = time.monotonic()
            term.send(b" ")
            found.append(term.wait_for(b"marked", 10, before) - began)
            pause = time.monotonic() + 0.11 + index % 7 * 0.013
            term.send(b" ")
            while time.monotonic() < pause + 0.1:
                term.pump(0.01)
        return found
    finally:
        term.close()


def main() -> int:
    """Run and print; 1 when the aim was missed."""
    trivial = latencies(child("trivial_app.py"), b"READY")
    ours = latencies(child("console_child.py", "live", str(HOSTS), str(RATE)), b"edge-")
    ratio(f"key to paint, median, {RATE} events/s", median(ours) * 1000, median(trivial) * 1000, "ms")
    met = ratio(
        f"key to paint, p95, {RATE} events/s",
        quantiles(ours, n=20)[-1] * 1000,
        quantiles(trivial, n=20)[-1] * 1000,
        "ms",
        1.5,
    )
    return 0 if met else 1


if __name__ == "__main__":
    run_main(main)
