"""A hub with 2,000 versions of profiles: its lists and searches, against encoding the same page alone.

A project has at most 500 versions, so that they are in four projects of a tenant; an admin sees all. Everything runs in
one process without a socket: the floor encodes the documents of the page with msgspec, which any answer must do.
Usage: python benchmarks/profile_search.py [versions]
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, Python looks beside it only

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import ratio
from edgewright.core import times
from edgewright.hub.process.app import Hub, make_app
from edgewright.hub.profiles import store, stored
from edgewright.hub.profiles.index import MOST
from edgewright.hub.profiles.tables import ProfileRecord
from edgewright.hub.security.secretbox import new_uid
from edgewright.packs import catalogue
from edgewright.wire import protocol
from tests.hub_fleet import open_hub

AIM = 20.0
ROUNDS = 15
CASES: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "search, first page": ("POST", protocol.PROFILES_SEARCH, {}),
    "search by name": ("POST", protocol.PROFILES_SEARCH, {"filter": {"profileName": {"contains": "shop-1"}}}),
    "search by type": ("POST", protocol.PROFILES_SEARCH, {"filter": {"profileType": ["cluster"]}}),
    "search by tag": ("POST", protocol.PROFILES_SEARCH, {"filter": {"tags": {"eq": ["site:7"]}}}),
    "search by version": ("POST", protocol.PROFILES_SEARCH, {"filter": {"version": {"gt": "1.2.0"}}}),
    "search, sorted by change": (
        "POST",
        protocol.PROFILES_SEARCH,
        {"sort": [{"field": "lastModifiedTimestamp", "order": "desc"}]},
    ),
    "names of all": ("GET", protocol.PROFILES_NAMES, None),
}


def content() -> dict[str, Any]:
    """Return the stored form of a profile with five packs of the catalogue."""
    names = ("edge-native-byoi", "edge-k8s", "cni-flannel", "csi-local-path", "podinfo")
    packs = {pack.name: pack for pack in catalogue.packs()}
    rows = [
        {"name": name, "layer": packs[name].layer, "type": "spectro", "tag": packs[name].version, "uid": "",
         "registryUid": "", "values": packs[name].values, "manifests": []}
        for name in names
    ]  # fmt: skip
    return {"type": "cluster", "cloudType": "edge-native", "packs": rows, "variables": [{"name": "site"}]}


async def seed(hub: Hub, versions: int) -> None:
    """Store that many versions, five of each name, as their records are made by the API."""
    body = content()
    metadata = {"labels": {"team": "shops"}, "annotations": {"description": "Tills and cameras of a shop"}}
    model = stored.profile("shop", "1.0.0", metadata, body, hub.box)
    projects = [f"{number:024x}" for number in range(-(-versions // MOST))]
    uids = [(await _project(hub, name)) for name in projects]

    def job(tx: Any) -> None:
        now = times.now()
        for number in range(versions):
            labels = {"site": str(number % 40), **metadata["labels"]}
            head = stored.head({**metadata, "labels": labels}, body, None, model)
            name, version = f"shop-{number // 5}", f"1.{number % 5}.0"
            record = ProfileRecord(
                new_uid(), name, version, uids[number // MOST], False, head, now + number, now + number
            )
            store.insert(tx, record, stored.write(body), "")

    await hub.write(job)


async def _project(hub: Hub, name: str) -> str:
    async with client(hub) as admin:
        made = await admin.post("/v1/projects", json={"metadata": {"name": f"project-{name}"}})
        return str(made.raise_for_status().json()["uid"])


def client(hub: Hub) -> httpx.AsyncClient:
    """Return a client of an admin without a socket."""
    key = (hub.data / "admin-api-key").read_text().strip()
    transport = httpx.ASGITransport(app=make_app(hub))
    return httpx.AsyncClient(transport=transport, base_url="http://hub", headers={"ApiKey": key})


async def measure(data: Path, versions: int) -> bool:
    """Print a row for each case; returns whether the aim is met in all."""
    hub = open_hub(data)
    await hub.start()
    await seed(hub, versions)
    met = True
    async with client(hub) as admin:
        ping = await _seconds(lambda: admin.get("/v1/health/ping"))
        print(f"{versions} versions of profiles; a request that reads nothing takes {ping * 1000:.2f} ms")
        for name, (method, path, body) in CASES.items():
            answer = (await admin.request(method, path, json=body)).raise_for_status()
            items = msgspec.json.decode(answer.content)["items"]
            took = await _seconds(lambda m=method, p=path, b=body: admin.request(m, p, json=b))
            floor = _floor(items)
            met &= ratio(f"{name}, {len(items)} items", (took - ping) * 1000, floor * 1000, "ms", AIM)
    await hub.stop()
    return met


async def _seconds(call: Any) -> float:
    await call()
    results = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        (await call()).raise_for_status()
        results.append(time.perf_counter() - began)
    return statistics.median(results)


def _floor(items: list[Any]) -> float:
    results = []
    gc.disable()
    for _ in range(200):
        began = time.perf_counter()
        msgspec.json.encode(items)
        results.append(time.perf_counter() - began)
    gc.enable()
    return statistics.median(results)


def main() -> int:
    """Run and print; 1 when the aim was missed."""
    versions = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    os.umask(0o077)
    with tempfile.TemporaryDirectory() as scratch:
        met = asyncio.run(measure(Path(scratch) / "data", versions))
    print(f"aim: at most {AIM:.0f} x encoding the page alone: {'met' if met else 'NOT met'}")
    return 0 if met else 1


if __name__ == "__main__":
    run_main(main)
