"""Who has the VIP, when a host that has it loses power, its link, or both claim it."""

from __future__ import annotations

from typing import Any

import httpx

from edgewright.core import times
from edgewright.hub.clusters.index import Reports
from edgewright.hub.process.app import Hub
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.inside import InsideSite

Inside = tuple[Hub, httpx.AsyncClient]


class Cluster:
    """A formed cluster of three control planes, and what their agents would send."""

    def __init__(self, hub: Hub, sites: list[InsideSite], uid: str) -> None:
        self.hub, self.sites, self.uid = hub, sites, uid
        self.hosts = [site.host for site in sites]
        self.seq = 1

    @classmethod
    async def made(cls, hub: Hub, admin: httpx.AsyncClient) -> Cluster:
        """Register the hosts, create the cluster and report that it is formed."""
        sites = [await InsideSite.made(hub, admin, number) for number in (1, 2, 3)]
        body = sites[0].body()
        edge_hosts = [{"hostUid": site.host} for site in sites]
        body["spec"]["machinepoolconfig"][0]["cloudConfig"]["edgeHosts"] = edge_hosts
        uid = str((await admin.post(wire.CREATE, json=body)).raise_for_status().json()["uid"])
        nodes = [{"name": site.host, "ready": True} for site in sites]
        (await sites[0].observe(uid, nodes=nodes)).raise_for_status()
        return cls(hub, sites, uid)

    async def claim(self, number: int, has_vip: bool) -> None:
        """Report of a host whether it has the VIP."""
        path = protocol.path(wire.HOST_STATE, uid=self.uid)
        (await self.sites[number].agent.put(path, json={"vip": {"held": has_vip}})).raise_for_status()

    async def beat(self, number: int) -> None:
        """Send a heartbeat of a host."""
        self.seq += 1
        beat = {"state": "healthy", "agentVersion": "0.1.0", "edgewright": {"seq": self.seq, "bootId": "b"}}
        path = protocol.path(protocol.HOST_HEALTH, uid=self.hosts[number])
        (await self.sites[number].agent.patch(path, json=beat)).raise_for_status()

    def silent_for(self, number: int, seconds: float) -> None:
        """Let the last heartbeat of a host be some time ago."""
        self.hub.state.hosts[self.hosts[number]].live.at = times.now() - seconds

    def silent_since_start(self, number: int, seconds: float) -> None:
        """Let a host be silent for some time that counts, although the hub has just started."""
        self.hub.state.hosts[self.hosts[number]].live.excused = -seconds

    async def vip(self) -> tuple[str, list[int]]:
        """Return the state of the VIP, and which hosts have it; the sentence of two owners must agree with it."""
        answer = await self.sites[0].admin.get(protocol.path(wire.OVERVIEW, uid=self.uid))
        status: dict[str, Any] = answer.raise_for_status().json()["status"]
        vip = status["edgewright"]["vip"]
        assert ("hosts have the VIP" in answer.text) is (vip["state"] == "two")
        return vip["state"], [self.hosts.index(host) for host in vip["hosts"]]


async def test_a_holder_that_lost_power_has_the_vip_no_longer_as_soon_as_another_has_it(inside: Inside) -> None:
    """It is not two owners for the ten minutes in which a host may be silent before it is unhealthy."""
    hub, admin = inside
    cluster = await Cluster.made(hub, admin)
    assert await cluster.vip() == ("unknown", [])
    await cluster.claim(0, True)
    assert await cluster.vip() == ("one", [0])
    cluster.silent_for(0, 5.0)  # its power is cut; the next heartbeat is not even due
    await cluster.claim(1, True)
    assert await cluster.vip() == ("one", [1])
    await cluster.claim(1, True)
    await cluster.beat(0)  # it is back, and still has the address: both claim it now
    assert await cluster.vip() == ("two", [0, 1])
    await cluster.claim(0, False)
    assert await cluster.vip() == ("one", [1])
    await cluster.claim(1, False)
    assert await cluster.vip() == ("none", [])


async def test_two_owners_stay_two_while_both_are_heard_and_end_when_one_is_not(inside: Inside) -> None:
    hub, admin = inside
    cluster = await Cluster.made(hub, admin)
    for number in (0, 1):
        await cluster.claim(number, True)
    await cluster.beat(0)
    for _ in range(2):  # reports and heartbeats of two owners in any order
        assert await cluster.vip() == ("two", [0, 1])
        await cluster.claim(1, True)
        await cluster.beat(1)
        assert await cluster.vip() == ("two", [0, 1])
        await cluster.claim(0, True)
    cluster.silent_since_start(1, 2 * hub.renderer.interval + 1)
    assert await cluster.vip() == ("one", [0])
    cluster.silent_since_start(0, 2 * hub.renderer.interval + 1)
    assert await cluster.vip() == ("two", [0, 1]), "nothing new is known of either: the last that was known stays"


async def test_the_only_claim_stays_until_its_host_is_silent(inside: Inside) -> None:
    hub, admin = inside
    cluster = await Cluster.made(hub, admin)
    await cluster.claim(2, True)
    cluster.silent_since_start(2, hub.renderer.silence_limit - 5)
    assert await cluster.vip() == ("one", [2])
    cluster.silent_since_start(2, hub.renderer.silence_limit + 1)
    assert (await cluster.vip())[1] == []


async def test_a_host_that_left_claims_nothing(inside: Inside) -> None:
    hub, admin = inside
    cluster = await Cluster.made(hub, admin)
    await cluster.claim(0, True)
    reports = hub.part(Reports)
    assert reports.vip_since(cluster.uid, cluster.hosts[0]) is not None
    reports.drop(cluster.uid)
    assert reports.vip_since(cluster.uid, cluster.hosts[0]) is None
