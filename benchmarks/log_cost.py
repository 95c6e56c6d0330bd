"""What the change log costs a write on PostgreSQL and on SQLite: the same jobs with and without a change to log.

CPU of this process and of the server's processes for each job, and the time of a single write that is waited for. One
run, the two kinds in turn. Usage: python benchmarks/log_cost.py [--jobs 100] [--batches 50]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from edgewright.hub.db import schema
from edgewright.hub.db.transaction import Tx
from edgewright.hub.process.app import Hub
from tests.hub_fleet import open_hub
from tests.postgres import Cluster, cluster

DOCUMENT = {"metadata": {"uid": "x" * 24}, "message": "m" * 200}
_TICK = os.sysconf("SC_CLK_TCK")


_NUMBERS = count()
ROWS = 100


def plain(tx: Tx) -> None:
    """Change a row, and log nothing."""
    number = next(_NUMBERS)
    tx.connection.exec_driver_sql(f"UPDATE settings SET value = '{number}' WHERE key = 'row {number % ROWS}'")


def logged(tx: Tx) -> None:
    """Change a row, and log it as a change with a document."""
    plain(tx)
    tx.emit("event", "put", "x" * 24, "", DOCUMENT)


def server_cpu(server: Cluster | None) -> float:
    """Return the CPU seconds of all processes of the server, also of those that have ended."""
    if server is None:
        return 0.0
    head = int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(path.parent.name) == head or int(fields[1]) == head:
            total += sum(int(value) for value in fields[11:13])
        if int(path.parent.name) == head:
            total += sum(int(value) for value in fields[13:15])
    return total / _TICK


async def measure(name: str, hub: Hub, server: Cluster | None, jobs: int, batches: int) -> None:
    """Print the cost of both kinds of jobs, in batches and alone."""
    print(f"{name}, {batches} batches of {jobs} jobs, then {batches} jobs one by one:")
    kinds = (("without a change", plain), ("with a change each", logged))
    rows = [{"key": f"row {number}", "value": ""} for number in range(ROWS)]
    await hub.write(lambda tx: tx.connection.execute(schema.settings.insert(), rows))
    for job in (plain, logged):
        await asyncio.gather(*(hub.writer.submit(job) for _ in range(jobs)))
    costs: dict[str, list[float]] = {label: [0.0, 0.0] for label, _ in kinds}
    alone: dict[str, list[float]] = {label: [] for label, _ in kinds}
    for _ in range(5):
        for label, job in kinds:
            own, other = process_time(), server_cpu(server)
            for _ in range(batches // 5):
                await asyncio.gather(*(hub.writer.submit(job) for _ in range(jobs)))
            costs[label][0] += process_time() - own
            costs[label][1] += server_cpu(server) - other
            for _ in range(batches // 5):
                began = perf_counter()
                await hub.writer.submit(job)
                alone[label].append(perf_counter() - began)
    done = batches // 5 * 5 * jobs
    for label, _ in kinds:
        own, other = (seconds / done * 1e6 for seconds in costs[label])
        shown = f", server {other:6.1f} us" if server is not None else ""
        print(f"  {label:20} hub {own:6.1f} us CPU a job{shown}; one write {median(alone[label]) * 1e3:5.2f} ms")
    more = [(b - a) / done * 1e6 for a, b in zip(*(costs[label] for label, _ in kinds), strict=True)]
    print(
        f"  the log              hub {more[0]:+6.1f} us a change" + (f", server {more[1]:+6.1f} us" if server else "")
    )


async def run(jobs: int, batches: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="log-cost-"))
    try:
        with cluster() as server:
            for name, url, used in (("SQLite", None, None), ("PostgreSQL", server.url(server.create()), server)):
                hub = open_hub(folder / name, sweep=1e9, db=url)
                await hub.start()
                try:
                    await measure(name, hub, used, jobs, batches)
                finally:
                    await hub.stop()
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--batches", type=int, default=50)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.jobs, arguments.batches))


if __name__ == "__main__":
    run_main(main)
