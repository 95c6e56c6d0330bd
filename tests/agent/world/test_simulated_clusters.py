"""Made-up hosts over the real protocol: a cluster forms and is deleted, with the real planner."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.agent.simulate.cluster_link import take
from edgewright.agent.simulate.clusters import SimulatedClusters
from edgewright.agent.simulate.host import Fleet, run_simulated
from edgewright.core.clusters.document import as_json, read, sealed
from edgewright.core.clusters.model import ClusterDocument
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.core.clusters.documents import document
from tests.hub.clusters.plane import Site
from tests.hub_fixture import RunningHub, running_hub

SPEED = 30.0


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub("--heartbeat", "1", "--silence-limit", "60") as running:
        yield running


def test_a_document_of_real_hosts_is_refused() -> None:
    clusters = SimulatedClusters(time.monotonic)
    assert not clusters.take("host-1", document(1))
    assert clusters.take("host-1", document(1, simulated=True))
    assert clusters.progress("host-2") is None and clusters.report("host-2") is None


class Asked:
    """A plane that answers calls of a made-up host."""

    def __init__(self, *documents: ClusterDocument, status: int = 204) -> None:
        self.documents = {document.uid: document for document in documents}
        self.status = status
        self.sent: list[tuple[str, str, Any]] = []

    async def send(self, method: str, path: str, body: Any) -> Any:
        self.sent.append((method, path, body))
        if method == "GET":
            (document,) = self.documents.values()
            return SimpleNamespace(status=200, json=lambda: {"document": as_json(document)})
        return SimpleNamespace(status=self.status)


def named(document: ClusterDocument) -> dict[str, Any]:
    place = {"lineage": document.lineage, "generation": document.generation, "digest": document.digest}
    return {"cluster": {"uid": document.uid, **place}}


async def test_p106_a_made_up_host_reports_its_document_and_hands_it_over() -> None:
    clusters = SimulatedClusters(time.monotonic)
    mine = sealed(dataclasses.replace(document(1, simulated=True), lineage="a" * 16))
    assert await take(clusters, "host-1", named(mine), Asked(mine).send)
    (report,) = clusters.documents("host-1")
    assert (report["name"], report["role"], report["wanted"]["digest"]) == (mine.name, "control-plane", mine.digest)
    asked = {"adopt": {"id": "7", "uid": mine.uid, "digest": mine.digest}}
    plane = Asked()
    assert await take(clusters, "host-1", asked, plane.send)
    ((method, path, body),) = plane.sent
    assert (method, path) == ("PUT", protocol.path(wire.ADOPTION, uid=mine.uid))
    assert read(body["document"]) == mine and (body["id"], body["clusterSecret"]) == ("7", "")
    assert not await take(clusters, "host-1", asked, Asked(status=503).send), "it is sent again"
    other = {"adopt": {**asked["adopt"], "digest": "0" * 64}}
    plane = Asked()
    assert await take(clusters, "host-1", other, plane.send) and plane.sent == []


async def test_p73_a_document_of_another_lineage_waits_on_a_made_up_host() -> None:
    clusters = SimulatedClusters(time.monotonic)
    mine = sealed(dataclasses.replace(document(1, simulated=True), lineage="a" * 16))
    restored = dataclasses.replace(mine, lineage="b" * 16, generation=1)
    theirs = sealed(dataclasses.replace(document(1, simulated=True, name="other"), lineage="b" * 16))
    for plane in (mine, theirs):
        assert await take(clusters, "host-1", named(plane), Asked(plane).send)
    (report,) = clusters.documents("host-1")
    assert clusters.document("host-1") == mine and report["offered"]["digest"] == theirs.digest
    assert not clusters.accept("host-1", {"document": mine.uid, "digest": mine.digest})
    assert await take(clusters, "host-1", named(restored), Asked(restored).send)
    assert clusters.document("host-1") == restored and "offered" not in clusters.documents("host-1")[0], (
        "the same content"
    )
    theirs = dataclasses.replace(theirs, lineage="c" * 16)
    assert await take(clusters, "host-1", named(theirs), Asked(theirs).send)
    assert clusters.accept("host-1", {"document": theirs.uid, "digest": theirs.digest})
    assert clusters.document("host-1") == theirs and "offered" not in clusters.documents("host-1")[0]


async def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = await asyncio.to_thread(what)
        if value:
            return value
        await asyncio.sleep(0.3)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


@pytest.mark.e2e
@pytest.mark.timeout(180)
async def test_p100_a_cluster_of_made_up_hosts_forms_and_ends(hub: RunningHub) -> None:
    site = await asyncio.to_thread(Site, hub, 0)
    fleets: list[Fleet] = []
    run = asyncio.ensure_future(
        run_simulated(
            6, hub.url, site.token, str(hub.ca), faults=False, seed=5, speed=SPEED, interval=1.0, started=fleets.append
        )
    )
    try:
        await until(lambda: bool(fleets) and fleets[0].heartbeats >= 6)
        made = [host.made for host in fleets[0].hosts]
        nics = {host.uid: host.facts.device["nics"][0] for host in made}
        network = ipaddress.ip_network(nics[made[0].uid]["subnet"])
        site.hosts = [host.uid for host in made if ipaddress.ip_address(nics[host.uid]["ip"]) in network][:3]
        assert len(site.hosts) == 3
        body = site.body(controls=3)
        body["spec"]["cloudConfig"]["controlPlaneEndpoint"]["host"] = str(network.broadcast_address - 1)
        uid = await asyncio.to_thread(site.create, body)
        assert await until(lambda: site.get(uid)["status"]["state"] == "Running")
        world = fleets[0].clusters.sites[uid].world

        def rows() -> list[dict[str, Any]]:
            overview = site.admin.get(protocol.path(wire.OVERVIEW, uid=uid)).json()
            return list(overview["status"]["edgewright"]["checklist"])

        assert [row["title"] for row in rows()][:7] == [
            "Preflight", "Fetch content", "Activate the tree", "Container runtime", "Preload images", "Set the VIP",
            "Form the cluster",
        ]  # fmt: skip
        assert await until(lambda: {row["state"] for row in rows()} == {"done"})
        assert await until(lambda: len(world.cluster.nodes) == 3 and world.cluster.grant is None)
        assert world.formed == 1 and [entry.voter for entry in world.cluster.members] == [True] * 3
        documents = [fleets[0].clusters.document(host) for host in site.hosts]
        assert all(item is not None and item.simulated for item in documents)
        assert (await asyncio.to_thread(site.admin.delete, protocol.path(wire.CLUSTER, uid=uid))).status_code == 204
        assert await until(lambda: site.get(uid)["status"]["state"] == "Deleted")
        assert await until(lambda: not fleets[0].clusters.sites)
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
