"""Hosts that never return, and hosts that two clusters want at once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from edgewright.hub.clusters import ending, form, store, tables
from edgewright.hub.clusters.index import ClusterIndex, Reports
from edgewright.hub.clusters.tables import ClusterRecord
from edgewright.hub.process.app import Hub
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.inside import InsideSite
from tests.hub.people import unique

Inside = tuple[Hub, httpx.AsyncClient]


def silent(hub: Hub, host: str) -> None:
    """Let a host be silent for an hour."""
    hub.state.hosts[host].live.excused = -3600.0


def etcd(*hosts: str, down: str = "") -> list[dict[str, Any]]:
    """Return the members of etcd as the leader reports them."""
    return [{"id": host[-8:], "name": host, "voter": True, "healthy": host != down} for host in hosts]


async def forget(site: InsideSite, uid: str, host: str) -> httpx.Response:
    return await site.admin.post(protocol.path(wire.FORGET, uid=uid), json={"hostUid": host})


async def test_a_lost_control_plane_is_removed_when_the_leader_shows_that_it_is_not_there(inside: Inside) -> None:
    """P105: a host in contact is not lost, etcd has its majority, and only the leader's report ends the entry."""
    hub, admin = inside
    sites = [await InsideSite.made(hub, admin, number) for number in (1, 2, 3)]
    site, hosts = sites[0], [each.host for each in sites]
    body = site.body()
    body["spec"]["machinepoolconfig"][0]["cloudConfig"]["edgeHosts"] = [{"hostUid": host} for host in hosts]
    uid = str((await admin.post(wire.CREATE, json=body)).raise_for_status().json()["uid"])
    lost, index = hosts[2], hub.part(ClusterIndex)

    early = await forget(site, uid, lost)
    assert early.json()["code"] == "HostInContact" and "release it" in early.text
    silent(hub, lost)
    assert "is not formed yet" in (await forget(site, uid, lost)).text
    nodes = [{"name": host, "ready": host != lost} for host in hosts]
    assert (await site.observe(uid, nodes=nodes)).status_code == 204
    assert "reports etcd" in (await forget(site, uid, lost)).text, "without a report nothing is healthy"
    await site.observe(uid, nodes=nodes, etcd=etcd(*hosts[:2], lost, down=hosts[1]))
    refused = await forget(site, uid, lost)
    assert (refused.status_code, refused.json()["code"]) == (409, "QuorumGuard"), refused.text
    assert "1 of 2 voters healthy afterwards" in refused.text or "no quorum" in refused.text
    await site.observe(uid, nodes=nodes, etcd=etcd(*hosts, down=lost))
    assert (await forget(site, uid, lost)).status_code == 204
    document = (await site.agent.get(protocol.path(wire.DESIRED, uid=uid))).json()["document"]
    entry = next(member for member in document["members"] if member["hostUid"] == lost)
    assert entry["state"] == "absent" and entry["lost"] and entry["releaseId"]
    silent(hub, hosts[1])
    second = await forget(site, uid, hosts[1])
    assert second.json()["code"] == "QuorumGuard", "one at a time"

    def members() -> list[str]:
        return [machine["hostUid"] for _pool, machine in index.by_uid[uid].machines()]

    for report in (
        {"nodes": nodes, "etcd": etcd(*hosts[:2])},
        {"nodes": nodes[:2], "etcd": etcd(*hosts, down=lost)},
        {"nodes": nodes[:2]},
        {"nodes": nodes[:2], "etcd": [*etcd(*hosts[:2]), {"id": "9", "name": ""}]},
        {"nodes": [], "etcd": etcd(*hosts[:2])},
    ):
        assert (await site.observe(uid, **report)).status_code == 204
        assert lost in members(), report
    assert (await site.observe(uid, nodes=nodes[:2], etcd=etcd(*hosts[:2]))).status_code == 204
    assert members() == hosts[:2]
    assert (await forget(site, uid, lost)).status_code == 404


async def test_a_project_with_clusters_is_not_deleted(inside: Inside) -> None:
    hub, admin = inside
    made = await admin.post(protocol.PROJECTS, json={"metadata": {"name": unique("p")}})
    project = str(made.raise_for_status().json()["uid"])
    head = ending.head_text(form.new_head({}, {}, 0.0))
    record = ClusterRecord(unique("c"), "harbour", project, "harbour", tables.ACTIVE, 1, "", head, 0.0, 0.0)
    await hub.write(lambda tx: store.insert_adopting(tx, record))
    path = protocol.path(protocol.PROJECT, uid=project)
    listed = (await admin.request("DELETE", f"{path}/validate")).json()["clusters"]
    assert listed == {"count": 1, "clusters": [{"uid": record.uid, "name": "harbour"}]}
    refused = await admin.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "ProjectInUse")
    assert "has clusters, such as 'harbour'; delete them first." in refused.json()["message"]
    await hub.write(lambda tx: store.purge(tx, record))
    assert (await admin.delete(path)).status_code == 204


async def test_one_host_for_two_clusters_at_once(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    answers = await asyncio.gather(*(admin.post(wire.CREATE, json=site.body()) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"EdgeHostInUse"}
    assert len(hub.part(ClusterIndex).by_uid) == 1
    names = [site.body("same-name") for _ in range(2)]
    other = await InsideSite.made(hub, admin, 2)
    third = await InsideSite.made(hub, admin, 3)
    for body, each in zip(names, (other, third), strict=True):
        body["spec"]["machinepoolconfig"][0]["cloudConfig"]["edgeHosts"] = [{"hostUid": each.host}]
    answers = await asyncio.gather(*(admin.post(wire.CREATE, json=body) for body in names))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "DuplicateCluster"}


async def test_a_late_confirmation_does_not_free_a_host_that_is_in_another_cluster(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    index, path = hub.part(ClusterIndex), protocol.path(wire.HOST_STATE, uid=uid)
    assert (await site.agent.put(path, json={"generation": 1})).status_code == 204
    (await admin.delete(protocol.path(wire.CLUSTER, uid=uid))).raise_for_status()
    release = next(machine for _pool, machine in index.by_uid[uid].machines())["releaseId"]
    monkeypatch.setattr(wire, "FORCE_AFTER", 0.0)
    (await admin.delete(protocol.path(wire.CLUSTER, uid=uid), params={"forceDelete": "true"})).raise_for_status()
    other = await site.create()
    assert (await site.agent.put(path, json={"released": release})).status_code == 204
    assert hub.part(Reports).record(uid, site.host) is None, "memory has no report of a host that has left"
    used = hub.state.hosts[site.host].document()["status"]["inUseClusters"]
    assert [item["uid"] for item in used] == [other]
