"""A hub that measures its own event loop, for benchmarks: the arguments are those of the command that it stands for.

Once a second a line goes to the file in `EDGEWRIGHT_ROUNDS`: the present by the monotonic clock, and the most processor
time of the loop's thread between two rounds since the last line, in seconds. So it is the longest step of the loop,
with what other steps used within `EVERY`, whatever else the machine does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from time import monotonic, thread_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from edgewright.hub.process import cli, compose
from edgewright.hub.resource import Resource

EVERY = 0.005
"""Seconds between two looks."""


async def measure(_hub: Any) -> None:
    """Measure until cancelled."""
    with open(os.environ["EDGEWRIGHT_ROUNDS"], "a", buffering=1) as file:
        longest, end = 0.0, monotonic() + 1.0
        while True:
            before = thread_time()
            await asyncio.sleep(EVERY)
            longest = max(longest, thread_time() - before)
            if monotonic() >= end:
                file.write(f"{monotonic():.3f} {longest:.6f}\n")
                longest, end = 0.0, monotonic() + 1.0


if __name__ == "__main__":
    compose.RESOURCES = (*compose.RESOURCES, Resource("measure", sweeps=(measure,)))
    sys.exit(cli.main(sys.argv[sys.argv.index("serve") :]))
