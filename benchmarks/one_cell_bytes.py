"""Bytes on the wire for one changed cell of the hosts table at 160x50. Aim: 250; a whole frame is the peer."""

from __future__ import annotations

import signal
from statistics import median

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import Term, child, ratio

AIM, ROUNDS = 250, 9


def main() -> int:
    """Run and print; 1 when the aim was missed."""
    term = Term(child("console_child.py", "live", "200", "0"), 160, 50)
    try:
        term.wait_for(b"edge-")
        term.quiet()
        whole = len(term.raw)
        sizes: list[int] = []
        for _ in range(ROUNDS):
            before = len(term.raw)
            term.signal(signal.SIGUSR1)
            term.quiet(0.5)
            sizes.append(len(term.raw) - before)
    finally:
        term.close()
    size = median(sizes)
    ratio("one changed cell, 160x50", size, AIM, "bytes", 1.0)
    ratio("one changed cell against the first frame", size, whole, "bytes")
    return 0 if size <= AIM else 1


if __name__ == "__main__":
    run_main(main)
