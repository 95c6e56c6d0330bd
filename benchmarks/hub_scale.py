"""What scale costs a hub: heartbeats of one and two hubs, 100,000 registered hosts, readers of the change stream.

Real hub processes, a real PostgreSQL (with fsync), heartbeats and streams over TLS connections from processes of their
own. Figures are processor seconds of each process, so that the load of the machine matters little; rates depend on its
cores and are printed with their number. Each table is one run, with what it is compared with in the same run.
Usage: python benchmarks/hub_scale.py [beats] [fleet] [stream] [log] [--hosts N] [--seconds N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
import msgspec

from benchmarks.hub_heartbeats import register_hosts
from benchmarks.hub_search import SEARCH, condition, search
from benchmarks.lib.ending import run_main
from benchmarks.lib.processes import cpu, helper, resident, server_cpu
from edgewright.hub.db.transaction import Tx
from tests.dist.hubs import several_hubs
from tests.hub_fixture import RunningHub, running_hub
from tests.hub_fleet import open_hub, seed
from tests.postgres import Cluster, cluster

CONNECTIONS, BEATS = 64, 1_000
"""Connections for changes of the stream, and heartbeats a second of all: CPU a beat is compared at the same rate."""
RATE, READERS = 1_700, (0, 1, 20)
"""Changes a second for readers of the stream, and how many there are."""
ENCODING = os.environ.get("EDGEWRIGHT_STREAM_ENCODING", "gzip")
"""What readers accept: consoles accept gzip; `identity` shows what the bytes cost."""
PAGES, TIMES = 12, 6
"""Pages of each kind of search, and how often; the least counts: the hub's own work falls on some of them."""
failed: list[str] = []


def aim(text: str, met: bool) -> str:
    """Return whether an aim is met, for its line; what is not met makes the exit code."""
    if not met:
        failed.append(text)
    return f"{text}: {'met' if met else 'NOT MET'}"


def work_of(hub: RunningHub, **more: Any) -> dict[str, Any]:
    """Return what a helper needs to reach a hub."""
    parts = urlsplit(hub.url)
    return {"host": parts.hostname, "port": parts.port, "ca": str(hub.ca), **more}


def beats_of(hub: RunningHub, hosts: Sequence[tuple[str, str]], boot: str, connections: int, **more: Any) -> Any:
    """Return a helper that sends heartbeats to a hub."""
    fixed = {"hosts": hosts, "boot": boot, "connections": connections, "rate": 0, "message": False}
    return helper("beat_client.py", work_of(hub, **{**fixed, **more}))


class Beats:
    """Heartbeats of hubs on one database."""

    def __init__(self, hubs: Sequence[RunningHub], hosts: Sequence[tuple[str, str]], server: Cluster | None) -> None:
        self._hubs, self._hosts, self._server = hubs, hosts, server
        self._turn = 0

    def _costs(self) -> list[float]:
        costs = [cpu(hub.process.pid) for hub in self._hubs]
        return costs if self._server is None else [*costs, server_cpu(self._server.folder / "data")]

    def run(self, seconds: float, rate: float = 0.0) -> tuple[int, float, list[float]]:
        """Send for some seconds, `rate` a second to all hubs together (0: as fast as they acknowledge).

        Each host has a connection of its own, so that one hub and two have the same fleet.

        Returns what was acknowledged, the seconds, and microseconds of CPU a beat by process.
        """
        self._turn += 1
        count = len(self._hubs)
        more = {"seconds": seconds, "rate": rate / count}
        with contextlib.ExitStack() as stack:
            clients = [
                stack.enter_context(beats_of(hub, own := self._hosts[index::count], f"b{self._turn}", len(own), **more))
                for index, hub in enumerate(self._hubs)
            ]
            before = self._costs()
            for client in clients:
                client.go()
            results = [msgspec.json.decode(client.line()) for client in clients]
            after = self._costs()
        refused = {status: number for result in results for status, number in result["other"].items()}
        if refused:
            raise SystemExit(f"hub_scale: heartbeats were not acknowledged (status: number): {refused}")
        total = sum(result["count"] for result in results)
        used = [(end - begin) / total * 1e6 for begin, end in zip(before, after, strict=True)]
        return total, max(result["seconds"] for result in results), used


ROUNDS = 3
"""Runs of each kind; they alternate, so that the load of the machine meets all alike, and the median counts."""


def print_beats(name: str, runs: Sequence[tuple[int, float, list[float]]], hubs: int) -> float:
    """Print and return the microseconds of CPU that an acknowledged heartbeat costs: the median of the runs."""
    total, took, used = sorted(runs, key=lambda run: sum(run[2]))[len(runs) // 2]
    parts = [f"hub {number + 1} {used[number]:5.1f}" for number in range(hubs)]
    parts += [f"PostgreSQL {used[hubs]:5.1f}"] if len(used) > hubs else []
    print(f"  {name:20} {total / took:5.0f}/s acknowledged, CPU a beat {sum(used):6.1f} us ({' + '.join(parts)})")
    return sum(used)


def beats(folder: Path, seconds: float) -> None:
    """Print what an acknowledged heartbeat costs one hub on SQLite, and one and two on PostgreSQL."""
    load = os.getloadavg()[0]
    print(f"heartbeats, 500 hosts with a TLS connection each, {os.cpu_count()} cores, load {load:.1f} before:")
    with running_hub(data=folder / "sqlite") as hub:
        sqlite = Beats([hub], registered(hub), None)
        sqlite.run(1.0)
        print_beats("one hub, SQLite", [sqlite.run(seconds, BEATS) for _ in range(ROUNDS)], 1)
        print_beats("  as fast as it can", [sqlite.run(seconds)], 1)
    with cluster(durable=True) as server, several_hubs(server, 1) as alone, several_hubs(server, 2) as pair:
        both = [Beats(hubs, registered(hubs[0]), server) for hubs in (alone, pair)]
        time.sleep(2.0)
        for each in both:
            each.run(1.0)
        runs = [[each.run(seconds, BEATS) for each in both] for _ in range(ROUNDS)]
        half = [both[0].run(seconds, BEATS / 2) for _ in range(ROUNDS)]
        fast = [each.run(seconds) for each in both]
        print_beats("one hub, PostgreSQL", [run[0] for run in runs], 1)
        two = print_beats("two hubs, PostgreSQL", [run[1] for run in runs], 2)
        one = print_beats("one at half of the rate", half, 1)
        for count, name in ((1, "  one as fast as it can"), (2, "  two")):
            print_beats(name, [fast[count - 1]], count)
        print(f"  load {os.getloadavg()[0]:.1f} after")
    ratio = median(sum(pair_of[2]) / sum(alone_of[2]) for alone_of, pair_of in runs)
    print(f"  two hubs {two / one:.2f} x the CPU a beat of one that takes as many as each of them")
    most = [sum(used) for _, _, used in fast]
    print(f"  two hubs as fast as they can {most[1] / most[0]:.2f} x the CPU a beat of one")
    print(f"  two hubs at {BEATS:,}/s {ratio:.2f} x the CPU a beat of one; " + aim("at most 1.15 x", ratio <= 1.15))


def registered(hub: RunningHub) -> list[tuple[str, str]]:
    """Register the hosts and return their uids and credentials."""
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        return register_hosts(hub)


def settled(pid: int, most: float = 60.0) -> float:
    """Wait until a process does next to nothing; returns its processor seconds."""
    end, used = perf_counter() + most, cpu(pid)
    while perf_counter() < end:
        time.sleep(1.0)
        before, used = used, cpu(pid)
        if used - before < 0.05:
            break
    return used


KINDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "tag and text": lambda n: search(
        condition("tags", "contains", "site-0"), condition("name", "contains", f"{n + 10}")
    ),
    "text of one character": lambda n: search(condition("name", "contains", f"{n % 10}")),
    "text of two": lambda n: search(condition("name", "contains", f"{n + 10}")),
    "text of four": lambda n: search(condition("name", "contains", f"{n * 613 + 1000}")),
    "beginning of the name": lambda n: search(condition("name", "beginsWith", f"edge-{n}")),
    "one site": lambda n: search(condition("site", "eq", f"site-{n * 7:04d}")),
    "health": lambda n: search(condition("healthState", "eq", "unhealthy")),
    "health, by last change": lambda n: search(
        condition("healthState", "eq", "unhealthy"), sort="-lastModifiedTimestamp"
    ),
    "state, by last change": lambda n: search(condition("state", "eq", "in-use"), sort="-lastModifiedTimestamp"),
    "state and text": lambda n: search(condition("state", "eq", "in-use"), condition("name", "contains", f"{n + 10}")),
}
"""Filtered pages; the argument makes each one another search."""


def fleet(folder: Path, hosts: int) -> None:
    """Print start, memory and filtered pages of many hosts, beside a bare request and the encoding of a page."""
    with running_hub(data=folder / "empty") as hub:
        pid = hub.process.pid
        empty, bare_start = resident(pid), settled(pid)
        empty = resident(pid)
    seed(folder / "fleet", hosts)
    # No host sends heartbeats here; with these limits none turns late, which would be work of its own meanwhile.
    with running_hub("--heartbeat", "600", "--silence-limit", "3600", data=folder / "fleet", patience=300) as hub:
        pid = hub.process.pid
        ready = cpu(pid)
        built = settled(pid)
        start, index = (ready - bare_start) / hosts * 1e6, (built - ready) / hosts * 1e6
        print(f"{hosts:,} registered hosts, {os.cpu_count()} cores:")
        print(f"  start {start:5.1f} us CPU a host; {aim('at most 60', start <= 60)}")
        print(f"  index and checks of the database after that {index:5.1f} us CPU a host")
        client = hub.client()

        def cost(send: Callable[[int], Any], count: int = PAGES) -> float:
            before = cpu(pid)
            for number in range(count):
                send(number).raise_for_status()
            return (cpu(pid) - before) / count

        cost(lambda number: client.get("/edgewright/v1/features"))
        bare = min(cost(lambda number: client.get("/edgewright/v1/features")) for _ in range(TIMES))
        shown = msgspec.json.decode(client.post(SEARCH, json={}, params={"limit": "50"}).content)["items"]
        encode = min(_encoding(shown) for _ in range(5))
        base = bare + encode
        print(f"  bare request {bare * 1000:.2f} ms + encoding of 50 documents {encode * 1000:.2f} ms CPU")
        ratios = []
        for name, make in KINDS.items():
            page = min(cost(partial(page_of, client, make)) for _ in range(TIMES))
            ratios.append(page / base)
            print(f"  page of 50 by {name:24} {page * 1000:6.2f} ms CPU, {page / base:5.1f} x")
        print(f"  {aim('a filtered page at most 20 x', max(ratios) <= 20)} (the slowest is {max(ratios):.1f} x)")
        memory = resident(pid)
        net = (memory - empty) / hosts / 1000
        print(
            f"  RSS of the process after that {memory / 1e6:.0f} MB, {memory / hosts / 1000:.2f} kB a host "
            f"({net:.2f} over an empty hub); {aim('at most 6 kB', memory / hosts <= 6000)}"
        )


def page_of(client: httpx.Client, make: Callable[[int], dict[str, Any]], number: int) -> httpx.Response:
    """Ask for the first page of a search."""
    return client.post(SEARCH, json=make(number), params={"limit": "50"})


def _encoding(documents: Any) -> float:
    began = process_time()
    for _ in range(20):
        msgspec.json.encode(documents)
    return (process_time() - began) / 20


def stream(folder: Path, seconds: float) -> None:
    """Print what 0, 1 and 20 readers cost at 1,700 changes a second, with the heartbeats that cause them."""
    seed(folder / "stream", 2_000)
    print(f"change stream over TLS, 2,000 hosts, {RATE:,} changes/s for {seconds:g} s, {os.cpu_count()} cores:")
    with running_hub(data=folder / "stream") as hub:
        _one_stream(hub, 1, 1.0, "w")
        runs = [[_one_stream(hub, readers, seconds, f"r{turn}-") for readers in READERS] for turn in range(ROUNDS)]
    for index, readers in enumerate(READERS):
        used, rate, size = sorted(run[index] for run in runs)[ROUNDS // 2]
        print(f"  {readers:2} readers: {used:6.1f} us CPU a change at {rate:5.0f} changes/s, {size / 1e6:5.1f} MB each")
    ratio = median(run[2][0] / run[1][0] for run in runs)
    print(f"  20 readers {ratio:.2f} x one reader, heartbeats included; {aim('at most 1.3 x', ratio <= 1.3)}")
    nothing, alone, every = (median(run[index][0] for run in runs) for index in range(3))
    print(f"  above no reader: one {alone - nothing:.1f} us, 20 {every - nothing:.1f} us a change")


def _one_stream(hub: RunningHub, readers: int, seconds: float, boot: str) -> tuple[float, float, int]:
    """Return microseconds of the hub's CPU for each change, changes a second, and bytes that a reader got."""
    hosts = [(f"edge-{number:05d}", f"ewh_edge-{number:05d}") for number in range(2_000)]
    with (
        helper("stream_readers.py", work_of(hub, key=hub.admin_key, readers=readers, encoding=ENCODING)) as consoles,
        beats_of(hub, hosts, f"{boot}{readers}", CONNECTIONS, seconds=seconds, rate=RATE, message=True) as agents,
    ):
        before = cpu(hub.process.pid)
        agents.go()
        sent = msgspec.json.decode(agents.line())
        used = cpu(hub.process.pid) - before
        sizes = consoles.result()
    return used / sent["count"] * 1e6, sent["count"] / sent["seconds"], max(sizes, default=0)


async def _log(data: Path) -> None:
    hub = open_hub(data, sweep=1e9)
    await hub.start()
    doc = {"metadata": {"uid": "x" * 24}, "message": "m" * 200}

    def plain(tx: Tx) -> None:
        tx.connection.exec_driver_sql("SELECT 1")

    def logged(tx: Tx) -> None:
        plain(tx)
        tx.emit("event", "put", "x" * 24, "", doc)

    print("change log on SQLite, batches of 100 jobs, in process:")
    for name, job in (("without a change", plain), ("with a change each", logged)):
        for attempt in range(2):
            used, began = process_time(), perf_counter()
            for _ in range(50):
                await asyncio.gather(*(hub.writer.submit(job) for _ in range(100)))
            if attempt:
                each = (process_time() - used) / 5_000 * 1e6
                print(f"  {name:20} {each:6.1f} us CPU a job, {5_000 / (perf_counter() - began):6.0f} jobs/s")
    await hub.stop()


TABLES = ("beats", "fleet", "stream", "log")


def main() -> int:
    """Run the tables that are named, or all; returns 1 when an aim is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    parser.add_argument("--hosts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=8.0)
    arguments = parser.parse_args()
    tables = arguments.tables or TABLES
    if set(tables) - set(TABLES):
        parser.error(f"the tables are: {', '.join(TABLES)}")
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="hub-scale-") as name:
        folder = Path(name)
        if "beats" in tables:
            beats(folder, arguments.seconds)
        if "fleet" in tables:
            fleet(folder, arguments.hosts)
        if "stream" in tables:
            stream(folder, arguments.seconds)
        if "log" in tables:
            asyncio.run(_log(folder / "log"))
    print("all aims met" if not failed else f"NOT met: {'; '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    run_main(main)
