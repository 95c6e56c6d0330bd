"""What scale costs a hub: readers of the change stream, the change log, and 100,000 registered hosts.

Figures are CPU seconds of this process, so that the load of the machine matters little. Each table is one run, with the
baseline in the same run. Usage: python benchmarks/hub_scale.py [stream] [log] [fleet] [--hosts N]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
import msgspec

from benchmarks.hub_search import SEARCH, condition, search
from edgewright.core.roles import EVERYTHING
from edgewright.hub.db.transaction import Tx
from edgewright.hub.process.app import Hub, make_app
from tests.hub_fleet import open_hub, seed

RATE, SECONDS = 1_700, 4.0
"""Changes a second, and for how long."""


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Hub]:
    hub = open_hub(data, sweep=1e9)
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()


async def _readers(hub: Hub, count: int, change: Callable[[int], Any]) -> tuple[float, int]:
    """Return CPU seconds and bytes that one reader got, for `SECONDS` of changes at `RATE`."""
    taken = [0] * count

    async def follow(number: int) -> None:
        async for piece in hub.changes.stream(None, EVERYTHING, beats_since=0.0):
            taken[number] += len(piece)

    tasks = [asyncio.create_task(follow(number)) for number in range(count)]
    await asyncio.sleep(0.1)
    gc.collect()
    began, cpu, sent = perf_counter(), process_time(), 0
    while (elapsed := perf_counter() - began) < SECONDS:
        while sent < elapsed * RATE:
            change(sent)
            sent += 1
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.1)
    used = process_time() - cpu
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return used, max(taken, default=0)


async def stream(data: Path) -> None:
    """Print what 0, 1, 10 and 20 readers cost at 1,700 changes a second, with the heartbeats that cause them."""
    seed(data, 2_000)
    async with opened(data) as hub:
        entries = list(hub.state.hosts.values())

        def change(number: int) -> None:
            entry = entries[number * 7 % len(entries)]
            hub.changes.publish("host", "put", entry.record.uid, entry.record.project_uid)

        print(f"change stream, 2,000 hosts, {RATE:,} changes/s for {SECONDS:g} s:")
        alone, used = 0.0, 0.0
        for readers in (0, 1, 10, 20):
            used, size = await _readers(hub, readers, change)
            alone = used if readers == 1 else alone
            ratio = f", {used / alone:.2f} x one reader" if readers > 1 else ""
            print(f"  {readers:2} readers: {used:6.3f} CPU s, {size / 1e6:6.1f} MB each{ratio}")
        print(f"  20 readers <= 1.3 x one reader: {'yes' if used <= 1.3 * alone else 'NO'}")


async def log(data: Path) -> None:
    """Print what the rows of the log cost a write: batches of 100 jobs, with and without changes to log."""
    async with opened(data) as hub:
        doc = {"metadata": {"uid": "x" * 24}, "message": "m" * 200}

        def plain(tx: Tx) -> None:
            tx.connection.exec_driver_sql("SELECT 1")

        def logged(tx: Tx) -> None:
            plain(tx)
            tx.emit("event", "put", "x" * 24, "", doc)

        print("change log on SQLite, batches of 100 jobs:")
        for name, job in (("without a change", plain), ("with a change each", logged)):
            for attempt in range(2):
                cpu, began = process_time(), perf_counter()
                for _ in range(50):
                    await asyncio.gather(*(hub.writer.submit(job) for _ in range(100)))
                if attempt:
                    each = (process_time() - cpu) / 5_000 * 1e6
                    print(f"  {name:20} {each:6.1f} us CPU a job, {5_000 / (perf_counter() - began):6.0f} jobs/s")


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def fleet(data: Path, hosts: int) -> None:
    """Print start, memory and a filtered page of many hosts, beside a bare request and the encoding of a page."""
    seed(data, hosts)
    gc.collect()
    before, cpu = _resident(), process_time()
    hub = open_hub(data, sweep=1e9)
    loaded = process_time() - cpu
    await hub.start()
    gc.collect()
    memory = _resident() - before
    print(f"{hosts:,} registered hosts:")
    print(f"  start {loaded / hosts * 1e6:5.1f} us a host (aim 60)")
    print(f"  RSS   {memory / hosts / 1000:5.2f} kB a host (aim 6)")
    key = (hub.data / "admin-api-key").read_text().strip()
    transport = httpx.ASGITransport(app=make_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key}) as client:

        async def cost(method: str, path: str, body: Any = None, times: int = 12) -> float:
            best = float("inf")
            for _ in range(times):
                began = process_time()
                answer = await client.request(method, path, json=body)
                best = min(best, process_time() - began)
                assert answer.status_code == 200, answer.text
            return best

        bare = await cost("GET", "/edgewright/v1/features")
        shown = [hub.renderer.summary(entry, hub.started) for entry in list(hub.state.hosts.values())[:50]]
        began = process_time()
        for _ in range(20):
            msgspec.json.encode(shown)
        encode = (process_time() - began) / 20
        pages = []
        for number in range(8):  # another filter each time: no result is found ready
            body = search(condition("tags", "contains", "site-0"), condition("name", "contains", f"{number}"))
            pages.append(await cost("POST", f"{SEARCH}?limit=50", body, times=1))
        page = min(pages)
        base = bare + encode
        parts = f"bare request {bare * 1000:.2f} ms + encode {encode * 1000:.2f} ms"
        print(f"  filtered page {page * 1000:5.1f} ms; {parts}: {page / base:.0f} x (aim 20)")
    await hub.stop()


def main() -> None:
    """Run the tables that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    parser.add_argument("--hosts", type=int, default=100_000)
    arguments = parser.parse_args()
    tables = arguments.tables or ["stream", "log", "fleet"]
    if set(tables) - {"stream", "log", "fleet"}:
        parser.error("the tables are: stream, log, fleet")
    with tempfile.TemporaryDirectory(prefix="hub-scale-") as folder:
        if "stream" in tables:
            asyncio.run(stream(Path(folder) / "stream"))
        if "log" in tables:
            asyncio.run(log(Path(folder) / "log"))
        if "fleet" in tables:
            asyncio.run(fleet(Path(folder) / "fleet", arguments.hosts))


if __name__ == "__main__":
    main()
