"""How long the console takes to have the whole fleet from a SIMULATED Palette, against the least that its limits allow.

python benchmarks/palette_budget.py [--hosts 30000] [--real] [--json]
Virtual time by default (waiting costs nothing, computing is not counted); `--real` waits the minute out.
Aim: ratio <= 1.05, and no 429.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from benchmarks.simulated_palette import SimulatedPalette
from benchmarks.virtual_time import run
from edgewright.clients.http.budget import Budget
from edgewright.clients.palette.client import Credential, PlaneClient
from edgewright.sources.plane import PlaneSource
from edgewright.store.engine.store import Store


async def fill(hosts: int) -> dict[str, Any]:
    """Let the console's own feed read the fleet; return what it took."""
    clock = asyncio.get_running_loop().time
    plane = SimulatedPalette(hosts, clock)
    budget = Budget(clock=clock)
    client = PlaneClient("https://palette.simulated", Credential(api_key="k"), budget=budget, http=plane)
    store, done = Store(), asyncio.Event()
    first: list[float] = []
    began = clock()

    def watch(_: object) -> None:
        if store.model.hosts and not first:
            first.append(clock() - began)
        if store.model.source.state == "polling":
            done.set()

    store.subscribe(["hosts", "source"], watch)
    feed = asyncio.create_task(PlaneSource(client, store.emit).run())
    computed = time.process_time()
    await done.wait()
    took = clock() - began
    computed = time.process_time() - computed
    feed.cancel()
    await asyncio.gather(feed, return_exceptions=True)
    await client.aclose()
    pages = -(-hosts // 50)
    floor = Budget.floor(pages)
    return {
        "hosts": len(store.model.hosts),
        "pages": pages,
        "requests": plane.requests.get("/v1/dashboard", 0),
        "seconds": round(took, 2),
        "first_hosts_after": round(first[0], 2),
        "floor": floor,
        "ratio": round(took / floor, 4) if floor else None,
        "refused": plane.refused,
        "cpu_seconds": round(computed, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=30_000)
    parser.add_argument("--real", action="store_true", help="wait in real time")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(fill(options.hosts)) if options.real else run(fill(options.hosts))
    found["clock"] = "real" if options.real else "virtual"
    if options.json:
        print(json.dumps(found))
    else:
        print(f"simulated Palette, {found['clock']} clock: {found['hosts']} hosts in {found['pages']} pages of 50")
        print(f"  {found['seconds']} s against a floor of {found['floor']} s: ratio {found['ratio']} (aim <= 1.05)")
        print(f"  first hosts after {found['first_hosts_after']} s, {found['requests']} requests on the prefix")
        print(f"  429 answers: {found['refused']} (aim 0); computing {found['cpu_seconds']} s")
    good = found["refused"] == 0 and (found["ratio"] is None or found["ratio"] <= 1.05)
    return 0 if good and found["hosts"] == options.hosts else 1


if __name__ == "__main__":
    run_main(main)
