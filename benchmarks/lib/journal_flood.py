#!/usr/bin/env python3
"""In the place of journalctl on a host of `site_logs.py`: lines in JSON at a fixed rate, numbered.

FLOOD_RATE: lines in a second (0: one a second); FLOOD_END: a file; when it is there the log ends. A journal grows
whoever reads it: the time of a line is that at which it was due, also where the reader is late, and what was due before
the end is still written. How many lines that are is written to FLOOD_END with `.lines` behind it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

STEPS = 50
"""Times in a second at which lines are written."""


def line(number: int, moment: float) -> str:
    """Return a line as journalctl prints one of a program that logs JSON; `moment` in epoch seconds."""
    at = int(moment * 1_000_000)
    message = (
        f'{{"level":"info","ts":{at / 1e6},"logger":"controller","msg":"Reconciling object {number}",'
        f'"namespace":"site-{number % 97}","name":"edge-{number % 1013}","took":"{number * 7919 % 100_003}us"}}'
    )
    fields = {
        "__CURSOR": f"s=4f1d2c3b;i={number:x};b=9a8b7c6d5e4f;m={at // 7:x};t={at:x};x={number * 2**61 // 3 % 2**64:x}",
        "__REALTIME_TIMESTAMP": str(at),
        "PRIORITY": "6",
        "_SYSTEMD_UNIT": "controller.service",
        "MESSAGE": message,
    }
    return json.dumps(fields, separators=(",", ":")) + "\n"


def main() -> None:
    """Answer one call."""
    if "-f" not in sys.argv:
        sys.stdout.write(line(0, time.time()))
        return
    rate, since = int(os.environ.get("FLOOD_RATE", "0")), time.time()
    end = Path(os.environ["FLOOD_END"])
    number, began, step, total = 0, time.monotonic(), 0, -1
    while total < 0 or end.exists():  # with its folder the host is gone, and who reads this may not know
        step += 1
        due = int((time.monotonic() - began) * rate) if rate else step // STEPS
        if total < 0 and end.exists():
            total = due = int(max(end.stat().st_mtime - since, 0) * rate) if rate else due
            Path(f"{end}.lines").write_text(str(total))
        if total >= 0:
            due = total
        while number < due and (total >= 0 or not end.exists()):
            some = min(due - number, 500)
            sys.stdout.write(
                "".join(line(number + place + 1, since + (number + place) / (rate or 1)) for place in range(some))
            )
            number += some
        sys.stdout.flush()
        time.sleep(max(0.0, began + step / STEPS - time.monotonic()))


if __name__ == "__main__":
    main()
