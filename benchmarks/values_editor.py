"""From a key to its letter in a values file of 2,000 lines, against Textual's own text area in the same run.

Both are in the smallest app, in the same kind of terminal, and get their keys in turn. Ours has colours, marks, and
the check of the values in a thread. Aim: the median at most 1.2 x.
"""

from __future__ import annotations

import time
from statistics import median, quantiles

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import Term, child, ratio

KEYS, LINES = 120, 2_000


def latencies(lines: int = LINES, keys: int = KEYS) -> tuple[list[float], list[float]]:
    """Return seconds from the key to its letter: ours, and those of Textual's text area."""
    terms = [Term(child("editor_child.py", name, str(lines))) for name in ("ours", "stock")]
    results: tuple[list[float], list[float]] = ([], [])
    try:
        for term in terms:
            term.wait_for(b"READY")
        for term in terms:
            term.quiet()
        for index in range(keys):
            for term, seconds in zip(terms, results, strict=True):
                before = len(term.raw)
                began = time.monotonic()
                term.send(b"Q")
                seconds.append(term.wait_for(b"Q", 10, before) - began)
                end = time.monotonic() + 0.06 + index % 7 * 0.013
                while time.monotonic() < end:
                    for other in terms:
                        other.pump(0.005)
    finally:
        for term in terms:
            term.close()
    return results


def main() -> int:
    """Run and print; 1 when the aim was missed."""
    ours, stock = latencies()
    label = f"key to paint in {LINES:,} lines of values"
    met = ratio(f"{label}, median", median(ours) * 1000, median(stock) * 1000, "ms", 1.2)
    ratio(f"{label}, p95", quantiles(ours, n=20)[-1] * 1000, quantiles(stock, n=20)[-1] * 1000, "ms")
    return 0 if met else 1


if __name__ == "__main__":
    run_main(main)
