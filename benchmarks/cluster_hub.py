"""What clusters that form cost a hub: N clusters of simulated hosts are created and form at the same time.

A real hub process on SQLite, hosts over the real protocol, each cluster a scripted world under the real planner in
real time: steps take as long as on hosts of the lab, so heartbeats with progress come as often as they would. Printed:
the hub's processor seconds for each cluster, from the first request to create one until all have formed and the log is
quiet; the rows and bytes that each adds to the change log; and the longest step of the hub's event loop.
Usage: python benchmarks/cluster_hub.py [clusters] [--hosts N] (hosts of each cluster, 1 by default)
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import os
import sqlite3
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from benchmarks.lib.processes import LIB, cpu, resident
from edgewright.agent.simulate.fleet import HOSTS_OF_A_SITE
from edgewright.agent.simulate.host import Fleet, run_simulated
from edgewright.hub.process.files import DATABASE
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import Site
from tests.hub_fixture import RunningHub, running_hub

AT_ONCE = 8
"""Requests to create a cluster that are on their way at the same time."""
LONGEST = 0.1
"""Aim: seconds of processor time of one step of the event loop."""
REST = 10.0
"""Seconds whose cost is that of a fleet without changes, with heartbeats in the normal interval."""
PATIENCE = 900.0


def log_size(data: Path) -> dict[str, tuple[int, int]]:
    """Return rows and bytes of the change log by kind."""
    connection = sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)
    try:
        texts = " || ".join(f"coalesce({name}, '')" for name in ("kind", "op", "uid", "project", "origin", "doc"))
        query = f"SELECT kind, count(*), sum(length({texts}) + 16) FROM changes GROUP BY kind"
        return {kind: (rows, total) for kind, rows, total in connection.execute(query)}
    finally:
        connection.close()


def groups(fleet: Fleet, size: int) -> list[tuple[list[str], str]]:
    """Return the hosts of each cluster, which share a network, with an address for its endpoint."""
    networks: dict[str, list[Any]] = {}
    for host in fleet.hosts:
        networks.setdefault(host.made.site, []).append(host.made)
    result = []
    for hosts in networks.values():
        nic = hosts[0].facts.device["nics"][0]
        network = ipaddress.ip_network(nic["subnet"])
        for number, start in enumerate(range(0, len(hosts) - size + 1, size), 1):
            uids = [host.uid for host in hosts[start : start + size]]
            result.append((uids, str(network.broadcast_address - number)))
    return result


def formed(fleet: Fleet, hosts: int) -> int:
    """Return how many hosts have done all of their steps."""
    clusters = fleet.clusters
    every = [host for site in list(clusters.sites.values()) for host in list(site.hosts.values())]
    done = [host for host in every if host.positions and all(place.done for place in host.positions)]
    return len(done) if len(every) >= hosts else min(len(done), hosts - 1)


def longest_step(file: Path, since: float) -> float:
    """Return the most processor time between two rounds of the loop since a time."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return max((float(used) for at, used in lines if float(at) >= since), default=0.0)


async def until(done: Any, what: str) -> float:
    """Wait for something; returns the seconds."""
    began = monotonic()
    while not done():
        if monotonic() - began > PATIENCE:
            raise SystemExit(f"cluster_hub: {what} took more than {PATIENCE:.0f} s")
        await asyncio.sleep(0.25)
    return monotonic() - began


def create(site: Site, made: tuple[list[str], str], number: int) -> None:
    """Create one cluster."""
    hosts, endpoint = made
    body = site.body(name=f"c-{number}", controls=0)
    body["spec"]["machinepoolconfig"] = [site.pool("cp-pool", hosts, True)]
    body["spec"]["cloudConfig"]["controlPlaneEndpoint"]["host"] = endpoint
    site.create(body)


async def run(hub: RunningHub, rounds: Path, count: int, size: int) -> bool:
    """Measure; returns whether the aim is met."""
    pid = hub.process.pid
    site = await asyncio.to_thread(Site, hub, 0)
    fleets: list[Fleet] = []
    usable = HOSTS_OF_A_SITE // size * size
    total = -(-count * size // usable) * HOSTS_OF_A_SITE
    hosts = asyncio.ensure_future(
        run_simulated(total, hub.url, site.token, str(hub.ca), faults=False, started=fleets.append, connections=total)
    )
    try:
        await until(lambda: fleets and fleets[0].heartbeats >= total, "the registration of the hosts")
        fleet = fleets[0]
        await asyncio.sleep(5.0)
        before, beats = cpu(pid), fleet.heartbeats
        await asyncio.sleep(REST)
        idle = (cpu(pid) - before) / REST
        rate = (fleet.heartbeats - beats) / REST
        print(f"  {total} hosts at rest: {idle * 1e3:.1f} ms CPU a second, {rate:.0f} beats/s", flush=True)
        places = groups(fleet, size)[:count]
        before, beats, log_before, began = cpu(pid), fleet.heartbeats, log_size(hub.data), monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            loop = asyncio.get_running_loop()
            await asyncio.gather(
                *(loop.run_in_executor(pool, create, site, place, number) for number, place in enumerate(places))
            )
        created, created_cpu = monotonic() - began, cpu(pid) - before
        step_of_create = longest_step(rounds, began)
        await until(lambda: formed(fleet, count * size) >= count * size, "the forming of the clusters")
        took = monotonic() - began
        await asyncio.sleep(5.0)  # the last reports
        used, sent = cpu(pid) - before, fleet.heartbeats - beats
        log_after = log_size(hub.data)
        step = longest_step(rounds, began)
        body: dict[str, Any] = {"filter": {}, "sort": []}
        answer = await asyncio.to_thread(
            lambda: site.admin.post(wire.SEARCH, json=body, params={"limit": "50"}).raise_for_status().json()
        )
        listed = answer["listmeta"]["count"]
    finally:
        hosts.cancel()
        await asyncio.gather(hosts, return_exceptions=True)
    work = used - idle * (monotonic() - began)
    rows = {kind: (after[0] - log_before.get(kind, (0, 0))[0], after[1] - log_before.get(kind, (0, 0))[1])
            for kind, after in log_after.items()}  # fmt: skip
    each = created_cpu / count * 1e3
    print(f"  created in {created:.1f} s ({each:.1f} ms CPU each), formed after {took:.1f} s; {listed} listed")
    print(f"  hub: {used / count * 1e3:.1f} ms CPU a cluster, {work / count * 1e3:.1f} ms without the fleet at rest; "
          f"{sent / count:.0f} heartbeats a cluster; {resident(pid) / 1e6:.0f} MB")  # fmt: skip
    entries, size_of_all = sum(row for row, _ in rows.values()), sum(size for _, size in rows.values())
    kinds = [(kind, row, bytes_of) for kind, (row, bytes_of) in rows.items() if row >= count]
    parts = [f"{kind} {row / count:.1f} rows {bytes_of / count:,.0f} B" for kind, row, bytes_of in sorted(kinds)]
    print(
        f"  change log: {entries / count:.1f} rows and {size_of_all / count:,.0f} bytes a cluster: {', '.join(parts)}"
    )
    met = step <= LONGEST
    print(f"  longest step of the loop: {step * 1e3:.0f} ms CPU ({step_of_create * 1e3:.0f} ms of the creation); "
          f"at most {LONGEST * 1e3:.0f} ms: {'met' if met else 'NOT MET'}")  # fmt: skip
    return met


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clusters", type=int, nargs="?", default=100)
    parser.add_argument("--hosts", type=int, default=1, choices=(1, 3, 5))
    arguments = parser.parse_args()
    print(f"{arguments.clusters} clusters of {arguments.hosts} hosts, {os.cpu_count()} cores:", flush=True)
    with tempfile.TemporaryDirectory(prefix="cluster-hub-") as folder:
        rounds = Path(folder) / "rounds"
        prefix = (sys.executable, str(LIB / "measured_hub.py"))
        with running_hub(prefix=prefix, environment={"EDGEWRIGHT_ROUNDS": str(rounds)}) as hub:
            met = asyncio.run(run(hub, rounds, arguments.clusters, arguments.hosts))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    run_main(main)
