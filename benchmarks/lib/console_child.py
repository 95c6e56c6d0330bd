"""The console over a made-up fleet, for the benchmarks: `cache` opens what the cache holds, `live` gets events.

console_child.py make FILE N      write a cache of N hosts
console_child.py cache FILE VIEW  open VIEW from that cache, as a start without a plane does
console_child.py live N RATE      open the hosts with N of them and RATE events a second; SIGUSR1 changes one cell
"""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_442_551.0


def document(index: int, cpu: float = 10.0) -> dict[str, Any]:
    """Return the document of one host."""
    from edgewright.core import times

    sick = index % 97 == 0
    return {
        "metadata": {
            "name": f"edge-{index:05d}",
            "uid": f"uid-{index:05d}",
            "labels": {"site": f"site-{index // 3:04d}", "line": ("pos", "cold")[index % 2]},
            "creationTimestamp": times.rfc3339(NOW - 9e6),
        },
        "spec": {
            "host": {"hostAddress": f"10.{index >> 16}.{index >> 8 & 255}.{index & 255}"},
            "device": {
                "archType": "amd64",
                "cpu": {"cores": 8},
                "memory": {"sizeInMB": 32768},
                "os": {"family": "ubuntu"},
            },
            "edgewright": {"cpuPercent": cpu},
        },
        "status": {
            "state": "in-use",
            "health": {"state": "unhealthy" if sick else "healthy", "agentVersion": "1.2.0"},
            "edgewright": {
                "healthState": "unhealthy" if sick else "healthy",
                "since": times.rfc3339(NOW - 5000 - index),
                "lastHeartbeat": times.rfc3339(NOW - 20),
                "who": "host" if sick else "nobody",
            },
        },
    }


def filled(count: int) -> Any:
    """Return a store that knows `count` hosts."""
    from edgewright.store.engine.events import HOSTS_SEEN, SOURCE_STATE
    from edgewright.store.engine.store import Store

    store = Store(clock=lambda: NOW)
    store.emit("plane", HOSTS_SEEN, {"docs": [document(index) for index in range(count)]}, at=NOW)
    store.emit("plane", SOURCE_STATE, {"state": "live", "since": NOW}, at=NOW)
    store.flush()
    return store


def chosen() -> Any:
    """Return how to draw on this terminal, as the program itself finds out."""
    from tui.terminal.detect import choose

    return choose(os.environ)


def make(path: Path, count: int) -> None:
    """Write the cache."""
    from edgewright.store.engine import cache

    cache.save(path, filled(count).model)


def from_cache(path: Path, view: str) -> None:
    """Open the console on what the cache holds."""
    from edgewright.store.engine import cache
    from edgewright.store.engine.store import Store
    from tui.app import EdgewrightApp
    from tui.session import Session

    head = cache.load_head(path)
    store = Store(head.model)

    async def rest() -> None:
        if head.model is not None and head.rest is not None:
            await cache.complete(store, head.model, head.rest)

    session = Session(store=store, context_name="bench", start_view=view, start=rest, terminal=chosen())
    EdgewrightApp(session).run()


def live(count: int, rate: int) -> None:
    """Open the hosts; `rate` heartbeats a second come in all over the fleet."""
    import asyncio

    from edgewright.store.engine.events import HOSTS_SEEN
    from tui.app import EdgewrightApp
    from tui.session import Session

    store = filled(count)
    rng = random.Random(1)

    async def feed() -> None:
        told = 0
        loop = asyncio.get_running_loop()

        def one_cell() -> None:
            nonlocal told
            told += 1
            store.emit("plane", HOSTS_SEEN, {"docs": [document(97 if count > 97 else 5, 20.0 + told)]}, at=NOW)

        loop.add_signal_handler(signal.SIGUSR1, one_cell)
        began, sent = loop.time(), 0
        while True:
            await asyncio.sleep(0.02 if rate else 3600)
            while sent < (loop.time() - began) * rate:
                sent += 1
                changed = document(rng.randrange(count), float(rng.randrange(5, 80)))
                store.emit("plane", HOSTS_SEEN, {"docs": [changed]}, at=NOW)

    session = Session(
        store=store, context_name="bench", start_view="hosts", start=feed, now=lambda: NOW, terminal=chosen()
    )
    EdgewrightApp(session).run()


if __name__ == "__main__":
    mode = sys.argv[1]
    if mode != "make":  # as `edgewright.main` begins; the app ends it again after the first frame
        gc.disable()
        from tui.terminal import deferred

        deferred.begin()
    from pathlib import Path

    if mode != "make":
        from tui.terminal import start_cache
        from tui.terminal.detect import prepare

        start_cache.begin(Path(sys.argv[2]).parent / "start" if mode == "cache" else None)
        prepare(os.environ, chosen())
    if mode == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]))
    elif mode == "cache":
        from_cache(Path(sys.argv[2]), sys.argv[3])
    else:
        live(int(sys.argv[2]), int(sys.argv[3]))
