"""Events a second through the console's reducer, against the floor of updating one dict with the same documents.

python benchmarks/store_throughput.py [--hosts 30000] [--events 5000] [--json]
One event carries one changed host, as a hub's stream does; they are reduced in batches of 75 (500 events/s, 150 ms).
Also: loading the cached fleet, and finding the problems of the whole fleet.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from benchmarks.simulated_palette import host_document, stamp
from edgewright.store.collections.hosts import host_row
from edgewright.store.collections.problems import problems
from edgewright.store.engine import cache
from edgewright.store.engine.model import Model
from edgewright.store.engine.store import Store

BATCH = 75


def best(work: Callable[[], object], times: int = 3) -> float:
    """Return the least seconds of several runs."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def filled(hosts: int) -> Model:
    """Return a model of that many hosts."""
    store = Store(clock=lambda: 1000.0)
    for first in range(0, hosts, 1000):
        docs = [host_document(number) for number in range(first, min(first + 1000, hosts))]
        store.emit("plane", "hosts.seen", {"docs": docs})
    store.flush()
    return store.model


def changes(hosts: int, count: int) -> list[dict[str, Any]]:
    """Return documents of hosts that each changed a little."""
    docs = []
    for number in range(count):
        doc = copy.deepcopy(host_document(number * 7919 % hosts))
        doc["metadata"]["lastModifiedTimestamp"] = stamp(number + 1)
        doc["status"]["health"]["state"] = "unhealthy" if number % 3 == 0 else "healthy"
        docs.append(doc)
    return docs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=30_000)
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    model = filled(options.hosts)
    docs = changes(options.hosts, options.events)

    def through_the_store() -> None:
        store = Store(model, clock=lambda: 2000.0)
        store.subscribe(["hosts"], lambda _: None)
        for first in range(0, len(docs), BATCH):
            for doc in docs[first : first + BATCH]:
                store.emit("plane", "hosts.seen", {"docs": [doc]})
            store.flush()

    def rows_only() -> None:
        table = dict(model.hosts)
        for doc in docs:
            row = host_row(doc, 2000.0)
            if row is not None:
                table[row.uid] = row

    def bare_dict() -> None:
        table: dict[str, Any] = {}
        for doc in docs:
            table[doc["metadata"]["uid"]] = doc

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.cache"
        cache.save(file, model)
        size = file.stat().st_size
        load = best(lambda: cache.load(file))
    store, rows, bare = best(through_the_store), best(rows_only), best(bare_dict)
    found = {
        "hosts": options.hosts,
        "events": options.events,
        "store_events_per_second": round(options.events / store),
        "rows_only_events_per_second": round(options.events / rows),
        "dict_updates_per_second": round(options.events / bare),
        "store_over_rows": round(store / rows, 2),
        "cache_load_ms": round(load * 1000, 1),
        "cache_bytes": size,
        "problems_ms": round(best(lambda: problems(model, 2000.0)) * 1000, 1),
    }
    if options.json:
        print(json.dumps(found))
        return 0
    print(f"{found['events']} single-host events into a model of {found['hosts']} hosts, batches of {BATCH}")
    print(
        f"  store {found['store_events_per_second']}/s; rows without a term {found['rows_only_events_per_second']}/s",
        end="; ",
    )
    print(f"bare dict {found['dict_updates_per_second']}/s; store/rows {found['store_over_rows']}")
    print(f"  cache of {size} bytes loads in {found['cache_load_ms']} ms; problems in {found['problems_ms']} ms")
    return 0


if __name__ == "__main__":
    run_main(main)
