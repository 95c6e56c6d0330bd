"""Made-up hosts over the real protocol: a cluster forms and is deleted, with the real planner."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edgewright.agent.simulate.clusters import SimulatedClusters
from edgewright.agent.simulate.host import Fleet, run_simulated
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
