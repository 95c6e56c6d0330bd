"""A hub with 30,000 hosts: pages of its search, filling a console, its memory, and how long its event loop is held.

Floor of the same run: encoding the documents of the same page with msgspec, which any answer must do at least.
Usage: python benchmarks/hub_search.py [hosts]
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from edgewright.core import times
from edgewright.hub.process.app import Hub, make_app
from tests.hub_fixture import RunningHub, running_hub
from tests.hub_fleet import open_hub, seed, sweep_once

SEARCH = "/v1/dashboard/edgehosts/search"
BIG = {"Edgewright-Page-Limit": "1000"}
PAGE_AIM, FILL_AIM, STALL_AIM = 0.100, 6.0, 0.050


def condition(name: str, operator: str, value: str) -> dict[str, Any]:
    match = {"conjunction": "or", "values": [value]}
    return {
        "property": name,
        "type": "string",
        "condition": {"string": {"operator": operator, "negation": False, "ignoreCase": True, "match": match}},
    }


def search(*filters: dict[str, Any], sort: str = "") -> dict[str, Any]:
    body: dict[str, Any] = {}
    if filters:
        group = {"conjunction": "and", "filters": list(filters)}
        body["filter"] = {"conjunction": "and", "filterGroups": [group]}
    if sort:
        body["sort"] = [{"field": sort.lstrip("-"), "order": "desc" if sort.startswith("-") else "asc"}]
    return body


CASES = {
    "unfiltered": search(),
    "filtered by health": search(condition("healthState", "eq", "unhealthy")),
    "filtered by tag and text": search(condition("tags", "contains", "site-00"), condition("name", "contains", "7")),
    "sorted by health": search(sort="healthState"),
    "sorted by last change": search(sort="-lastModifiedTimestamp"),
    "filtered and sorted": search(condition("state", "eq", "in-use"), sort="-lastModifiedTimestamp"),
}


def median(work: Callable[[], Any], times_: int = 9) -> float:
    """Return the median seconds of several runs."""
    found = []
    for _ in range(times_):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return sorted(found)[len(found) // 2]


def post(client: httpx.Client, body: dict[str, Any]) -> None:
    """Ask for a page."""
    client.post(SEARCH, json=body).raise_for_status()


def fill(client: httpx.Client) -> tuple[float, int]:
    """Read the whole fleet as a console does; returns the seconds and how many hosts came."""
    began, token = time.perf_counter(), ""
    uids: set[str] = set()
    while True:
        params = {"limit": "1000", **({"continue": token} if token else {})}
        page = msgspec.json.decode(client.post(SEARCH, json={}, params=params, headers=BIG).raise_for_status().content)
        uids.update(item["metadata"]["uid"] for item in page["items"])
        token = page["listmeta"]["continue"]
        if not token:
            return time.perf_counter() - began, len(uids)


def memory(hub: RunningHub) -> float:
    """Return the hub's resident memory in MB."""
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def over_http(data: Path, hosts: int) -> bool:
    good = True
    began = time.perf_counter()
    with running_hub(data=data) as hub:
        print(f"start with {hosts} hosts        {time.perf_counter() - began:7.2f} s   RSS {memory(hub):.0f} MB")
        client = hub.client()
        first = msgspec.json.decode(client.post(SEARCH, json={}).content)
        floor = median(partial(msgspec.json.encode, first["items"]), 50)
        ping = median(partial(client.get, "/v1/health/ping"))
        print(f"floor: msgspec of 50 documents  {floor * 1000:7.2f} ms; a bare request {ping * 1000:.2f} ms")
        for name, body in CASES.items():
            took = median(partial(post, client, body))
            good &= took < PAGE_AIM
            ratio = took / (floor + ping)
            print(f"page of 50, {name:24}{took * 1000:7.1f} ms  = {ratio:6.1f} x (floor + bare request)")
        tokens = median(partial(client.get, "/v1/edgehosts/tokens"))
        print(f"list of tokens                  {tokens * 1000:7.1f} ms")
        for path in ("/v1/edgehosts/metadata", "/v1/edgehosts/tags"):
            took = median(partial(client.get, path), 3)
            print(f"{path:32}{took * 1000:7.1f} ms")
        took, count = fill(client)
        whole = msgspec.json.encode(first["items"] * (hosts // 50))
        encoding = median(partial(msgspec.json.encode, first["items"] * (hosts // 50)), 3)
        good &= took < FILL_AIM and count == hosts
        size, ratio = len(whole) / 1e6, took / encoding
        print(f"fill by pages of 1000           {took:7.2f} s   {count} hosts, {size:.0f} MB, {ratio:.0f} x msgspec")
        print(f"RSS after all that              {memory(hub):7.0f} MB ({memory(hub) * 1024 / hosts:.1f} kB a host)")
    return good


async def held(work: Callable[[], Any]) -> tuple[float, float]:
    """Return how long a piece of work takes, and the longest time that it kept the event loop from others."""
    worst, running = 0.0, True

    async def tick() -> None:
        nonlocal worst
        before = time.perf_counter()
        while running:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            worst, before = max(worst, now - before), now

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(0.05)
    began, worst = time.perf_counter(), 0.0
    await work()
    took = time.perf_counter() - began
    await asyncio.sleep(0.01)
    running = False
    await ticker
    return took, worst


async def ask(hub: Hub, body: dict[str, Any], whole: bool) -> None:
    """Ask without a socket: one page, or all of them by 1000."""
    transport = httpx.ASGITransport(app=make_app(hub))
    key = (hub.data / "admin-api-key").read_text().strip()
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key, **BIG}) as client:
        token = "-"
        while token:
            params = {"continue": token.strip("-"), **({"limit": "1000"} if whole else {})}
            content = (await client.post(SEARCH, json=body, params=params)).raise_for_status().content
            token = content.rpartition(b'"continue":"')[2].partition(b'"')[0].decode() if whole else ""


async def in_process(data: Path) -> bool:
    hub = open_hub(data, sweep=1e9)
    await hub.start()
    good = True
    for name, body in CASES.items():
        _, worst = await held(partial(ask, hub, body, whole=False))
        good &= worst < STALL_AIM
        print(f"{name:32}event loop held {worst * 1000:5.1f} ms at most")
    took, worst = await held(partial(ask, hub, {}, whole=True))
    good &= worst < STALL_AIM
    print(f"{'fill without a socket':32}event loop held {worst * 1000:5.1f} ms at most, in {took:.2f} s")
    took, worst = await held(lambda: sweep_once(hub))
    print(f"{'sweep, nothing to tell':32}event loop held {worst * 1000:5.1f} ms at most, in {took:.2f} s")
    good &= worst < STALL_AIM
    for entry in hub.state.hosts.values():
        entry.live.at = times.now() - 5000
    hub.started = hub.renderer.started = times.now() - 5000

    async def all_fall_silent() -> None:
        await sweep_once(hub)
        await hub.write(lambda tx: None)

    took, worst = await held(all_fall_silent)
    print(f"{'sweep, all fall silent at once':32}event loop held {worst * 1000:5.1f} ms at most, in {took:.2f} s")
    good &= worst < STALL_AIM
    await hub.stop()
    return good


def main() -> int:
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else 30_000
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        os.umask(0o077)
        seed(data, hosts)
        print(f"database {(data / 'hub.db').stat().st_size / 1e6:.0f} MB")
        good = over_http(data, hosts)
        good &= asyncio.run(in_process(data))
    aims = f"page < {PAGE_AIM * 1000:.0f} ms, fill < {FILL_AIM:.0f} s, loop held < {STALL_AIM * 1000:.0f} ms"
    print(f"aims: {aims}: {'met' if good else 'NOT met'}")
    return 0 if good else 1


if __name__ == "__main__":
    run_main(main)
