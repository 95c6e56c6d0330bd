"""Rules P17 and P39: two machines with one identity, and two records of one machine, are seen and reported."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from edgewright.core import times
from edgewright.core.hosts.nics import universal_macs
from edgewright.hub.db.hosts import get_host_or_404, save_host
from edgewright.hub.process.app import Hub
from edgewright.hub.resources.hosts import duplicates
from edgewright.hub.resources.hosts.clones import Clones
from edgewright.hub.resources.hosts.duplicates import Duplicates
from edgewright.wire import protocol
from tests.hub.db.test_lineage import events
from tests.hub.http.test_hardening import bare, new_host
from tests.hub.resources.test_alerts import listed


class Machine:
    """One machine that beats: its boot, its numbers, its address."""

    def __init__(self, hub: Hub, own: dict[str, str], boot: str, seq: int, address: str, mac: str = "") -> None:
        self.hub, self.own, self.boot, self.seq, self.address, self.mac = hub, own, boot, seq, address, mac

    async def beat(self, step: int = 1) -> httpx.Response:
        self.seq += step
        extension = {"bootId": self.boot, "seq": self.seq, "address": self.address, "mac": self.mac}
        body = {"state": "healthy", "message": self.address, "edgewright": extension}
        async with bare(self.hub) as client:
            return await client.patch("/v1/edgehosts/h/health", content=json.dumps(body), headers=self.own)


@pytest.mark.parametrize("boots", [("b1", "b2"), ("same", "same")], ids=["boots-alternate", "one-boot-id"])
async def test_p39_a_copied_data_folder_is_an_alert_that_names_both(
    inside: tuple[Hub, httpx.AsyncClient], boots: tuple[str, str]
) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    first = Machine(hub, own, boots[0], 100, "10.0.0.5", "48:21:0b:00:00:05")
    copy = Machine(hub, own, boots[1], 5000, "10.0.0.9")
    for _ in range(2):
        await first.beat()
        await copy.beat()
    assert await listed(admin) == [], "one or two late heartbeats are late heartbeats"
    for _ in range(2):
        await first.beat()
        answer = await copy.beat()
    (alert,) = await listed(admin)
    assert (alert["kind"], alert["hostUids"], alert["code"]) == ("duplicate-identity", ["h"], "DuplicateIdentity")
    document = (await admin.get("/v1/edgehosts/h")).json()
    assert document["status"]["health"]["state"] == "unhealthy", "whose state it is cannot be known"
    assert document["status"]["edgewright"]["reason"].startswith("two machines report as this host: ")
    assert "10.0.0.9" in alert["message"] and "10.0.0.5 (MAC 48:21:0b:00:00:05)" in alert["message"]
    assert answer.headers["edgewright-duplicate"] == "10.0.0.5 (MAC 48:21:0b:00:00:05)"
    assert (await first.beat()).headers["edgewright-duplicate"] == "10.0.0.9"
    await stored(hub)
    assert len(events(hub, "DuplicateIdentity")) == 1, "one event, not one a heartbeat"


async def stored(hub: Hub) -> None:
    """Wait until the alerts are stored with their events."""
    async with asyncio.timeout(10):
        while hub.alerts.due.is_set() or hub.alerts.storing:
            await asyncio.sleep(0.01)
    await hub.write(lambda tx: None)


async def test_p17_late_and_doubled_heartbeats_are_no_second_machine(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    machine = Machine(hub, own, "b1", 100, "10.0.0.5")
    await machine.beat()
    await machine.beat()
    late = Machine(hub, own, "b1", 101, "10.0.0.5")
    for _ in range(6):
        await late.beat(0)
    after = Machine(hub, own, "b2", 5, "10.0.0.5")
    await after.beat()
    for _ in range(6):
        await machine.beat(0)
    for seq in (90, 80, 70, 60):
        await Machine(hub, own, "b1", seq, "10.0.0.5").beat()
    assert await listed(admin) == []
    assert hub.state.hosts["h"].live.boot_id == "b2"


async def test_p39_it_ends_when_one_of_them_stops(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    first, copy = Machine(hub, own, "b1", 100, "10.0.0.5"), Machine(hub, own, "b2", 5000, "10.0.0.9")
    for _ in range(4):
        await first.beat()
        await copy.beat()
    assert len(await listed(admin)) == 1
    entry = hub.state.hosts["h"]
    assert entry.live.health == "unhealthy"
    assert hub.renderer.verdict(entry, times.now() + 301).health.value == "healthy"
    hub.alerts.expire(times.now() + 301)
    assert await listed(admin) == []
    assert "edgewright-duplicate" not in (await copy.beat()).headers


@pytest.mark.parametrize("boot", ["b1", "b2"], ids=["boot-replaced", "set-back-within-one-boot"])
async def test_p17_the_machine_that_goes_on_alone_is_taken_again(
    inside: tuple[Hub, httpx.AsyncClient], boot: str
) -> None:
    """The copy is switched off, or a virtual machine was set back to a snapshot: who is left must not stay unheard."""
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    await Machine(hub, own, "b1", 100, "10.0.0.5").beat()
    await Machine(hub, own, "b2", 5000, "10.0.0.9").beat()
    left = Machine(hub, own, boot, 200, "10.0.0.5")
    live = hub.state.hosts["h"].live
    assert live.at is not None
    live.at -= 3 * hub.options.heartbeat + 1  # the accepted machine has been silent for three heartbeats
    await left.beat()
    await left.beat()
    assert live.message == "10.0.0.9", "two may be late ones"
    await left.beat()
    assert (live.message, live.boot_id, live.seq) == ("10.0.0.5", boot, left.seq)
    await left.beat()
    assert live.seq == left.seq and live.boot_id not in live.replaced_boots
    assert await listed(admin) == []


async def test_the_memory_of_late_heartbeats_is_bounded(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    own = await new_host(hub, admin, "h")
    for number in range(40):
        await Machine(hub, own, f"b{number}", 10, "10.0.0.5").beat()
    for number in range(40):
        await Machine(hub, own, f"b{number}", 20, "10.0.0.5").beat()
    assert len(hub.part(Clones)._hosts.get("h", {})) <= 4


def report(machine: str = "", product: str = "", macs: tuple[str, ...] = (), simulated: bool = False) -> dict[str, Any]:
    nics = [{"nicName": f"eth{index}", "macAddr": mac} for index, mac in enumerate(macs)]
    extension: dict[str, Any] = {"hardware": {"machine": machine, "product": product}, "simulated": simulated}
    return {"spec": {"device": {"nics": nics}, "edgewright": extension}}


async def put(hub: Hub, admin: httpx.AsyncClient, uid: str, document: dict[str, Any]) -> None:
    own = await new_host(hub, admin, uid)
    async with bare(hub) as client:
        answer = await client.put(protocol.path(protocol.HOST, uid=uid), json=document, headers=own)
    assert answer.status_code == 204, answer.text


async def look(hub: Hub) -> None:
    hub.part(Duplicates)._looked = float("-inf")
    await hub.part(Duplicates).look()
    await stored(hub)
    await asyncio.sleep(0)


CARDS = ("48:21:0b:00:00:05", "48:21:0b:00:00:06")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (report(machine="m"), report(machine="m"), "same machine-id as h2"),
        (report(product="p"), report(product="p"), "same firmware UUID or serial number as h2"),
        (report(macs=CARDS), report(macs=CARDS[::-1]), "same network cards as h2"),
        (report("m", "p", CARDS), report("m", "p", CARDS), "machine-id and network cards and firmware UUID"),
        (report("m", "p", CARDS), report("n", "q", CARDS[:1]), ""),
        (report(macs=("52:54:00:00:00:05",)), report(macs=("52:54:00:00:00:05",)), ""),
        (report("m", simulated=True), report("m", simulated=True), ""),
        (report(), report(), ""),
    ],
)
async def test_p39_two_records_of_one_machine(
    inside: tuple[Hub, httpx.AsyncClient], first: dict[str, Any], second: dict[str, Any], same: str
) -> None:
    hub, admin = inside
    await put(hub, admin, "h1", first)
    await put(hub, admin, "h2", second)
    await look(hub)
    found = await listed(admin)
    assert [same in alert["text"] for alert in found] == ([True] if same else [])
    if same:
        assert found[0]["hostUids"] == ["h1", "h2"] and len(events(hub, duplicates.REASON)) == 1
        await look(hub)
        assert len(events(hub, duplicates.REASON)) == 1
        assert (await admin.delete("/v1/edgehosts/h2")).status_code == 204
        await look(hub)
        assert await listed(admin) == [], "one record is left"


async def test_p39_many_hosts_of_one_image_are_one_alert(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    for number in range(20):
        await put(hub, admin, f"h{number:02}", report(machine="baked-in"))
    await look(hub)
    (alert,) = await listed(admin)
    assert alert["text"] == "same machine-id as 19 other hosts" and "and 8 more" in alert["message"]


def test_only_addresses_that_a_maker_gave_count() -> None:
    cards = [
        {"nicName": "eth0", "macAddr": "48:21:0B:00:00:05"},
        {"nicName": "eth1", "macAddr": "52:54:00:00:00:05"},
        {"nicName": "docker0", "macAddr": "48:21:0b:00:00:07"},
        {"nicName": "eth2", "macAddr": "01:00:5e:00:00:01"},
        {"nicName": "eth3", "macAddr": "00:00:00:00:00:00"},
        {"nicName": "eth4", "macAddr": "odd"},
        {"nicName": "eth5"},
        "odd",
    ]
    assert universal_macs(cards) == ("48:21:0b:00:00:05",)


async def test_p35_hosts_of_two_projects_are_no_news_for_readers_of_one(inside: tuple[Hub, httpx.AsyncClient]) -> None:
    hub, admin = inside
    default = next(iter(hub.state.projects))
    other = (await admin.post("/v1/projects", json={"metadata": {"name": "other"}, "spec": {}})).json()["uid"]
    await put(hub, admin, "h1", report(machine="m"))
    await put(hub, admin, "h2", report(machine="m"))
    await hub.write(lambda tx: save_host(tx, get_host_or_404(tx, "h2"), project_uid=other))
    await look(hub)
    assert len(await listed(admin)) == 1
    for project in (default, other):
        assert await listed(admin, ProjectUid=project) == []
