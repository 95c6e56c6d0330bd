"""What the plane does for clusters by itself, and what it never does to hosts."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from edgewright.core import times
from edgewright.hub.clusters import controller, tables
from edgewright.hub.clusters.index import ClusterIndex, Reports
from edgewright.hub.db import schema
from edgewright.hub.process.app import Hub
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.inside import InsideSite

Inside = tuple[Hub, httpx.AsyncClient]


class _Work:
    """A run of the controller without its lease."""

    def __init__(self, hub: Hub) -> None:
        self.services = hub
        self.write = hub.write


async def looked(hub: Hub, moment: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the controller look at a moment."""
    with monkeypatch.context() as patch:
        patch.setattr(times, "now", lambda: moment)
        await controller.look(_Work(hub))  # type: ignore[arg-type]


async def overview(admin: httpx.AsyncClient, uid: str) -> dict[str, Any]:
    """Return what only this plane has in the overview of a cluster."""
    answer = await admin.get(protocol.path(wire.OVERVIEW, uid=uid))
    ours: dict[str, Any] = answer.raise_for_status().json()["status"]["edgewright"]
    return ours


async def reasons(hub: Hub, uid: str) -> list[str]:
    """Return the reasons of the events of a cluster, oldest first."""
    query = select(schema.events.c.reason).where(schema.events.c.object_uid == uid).order_by(schema.events.c.id)
    return list(await hub.read(lambda connection: connection.execute(query).scalars().all()))


async def test_states_and_health_are_events_and_what_is_old_is_unknown(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid, now = await site.create(), times.now()
    await looked(hub, now, monkeypatch)
    await site.observe(uid)
    await looked(hub, now + 1, monkeypatch)
    await looked(hub, now + 2, monkeypatch)
    assert (await reasons(hub, uid))[1:] == ["ClusterFormed", "ClusterState", "ClusterHealthy"]
    reported = hub.part(Reports).record(uid)
    assert reported is not None
    await looked(hub, reported.at + 601, monkeypatch)
    assert (await reasons(hub, uid))[-1] == "ClusterUnknown", "a report of ten minutes ago is no evidence of health"


async def test_a_deletion_that_is_stuck_is_ended_by_force_and_purged_after_72_hours(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    (await admin.delete(protocol.path(wire.CLUSTER, uid=uid))).raise_for_status()
    index = hub.part(ClusterIndex)
    begun = index.by_uid[uid].record.deleting_at or 0.0
    await looked(hub, begun + 901, monkeypatch)
    assert (await reasons(hub, uid))[-1] == "DeletionStuck"
    monkeypatch.setattr(wire, "FORCE_AFTER", 0.0)
    forced = await admin.delete(protocol.path(wire.CLUSTER, uid=uid), params={"forceDelete": "true"})
    assert forced.status_code == 204
    record = index.by_uid[uid].record
    assert record.phase == tables.DELETED_PHASE and record.live_name is None
    shown = (await admin.get(protocol.path(wire.CLUSTER, uid=uid))).json()["status"]
    assert shown["state"] == "Deleted" and "NotConfirmed" in {row["type"] for row in shown["conditions"]}
    config = (await site.agent.get(protocol.path(protocol.HOST_CONFIG, uid=site.host))).json()
    assert config["clusterUids"] == [uid], "the host is still asked to leave when it returns"
    desired = (await site.agent.get(protocol.path(wire.DESIRED, uid=uid))).json()
    assert desired["document"]["members"][0]["state"] == "absent" and not desired["slice"]["sealed"]["clusterSecret"]
    await looked(hub, (record.deleted_at or 0.0) + 72 * 3600 - 1, monkeypatch)
    assert uid in index.by_uid
    await looked(hub, (record.deleted_at or 0.0) + 72 * 3600 + 1, monkeypatch)
    assert uid not in index.by_uid and (await admin.get(protocol.path(wire.CLUSTER, uid=uid))).status_code == 404
    for table in hub_tables():
        rows = await hub.read(lambda connection, table=table: connection.execute(select(table)).all())  # type: ignore[misc]
        assert not rows, table.name


def hub_tables() -> tuple[Any, ...]:
    """Return every table of clusters."""
    return (
        tables.clusters, tables.cluster_texts, tables.cluster_claims, tables.cluster_keys, tables.cluster_secrets,
        tables.cluster_reports,
    )  # fmt: skip


async def test_gauges_do_not_enter_the_change_log(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    etcd = {"id": "1", "name": "n", "voter": True, "healthy": True, "dbSize": 1}
    await site.observe(uid, etcd=[etcd])
    before = hub.memory.seq
    await site.observe(uid, etcd=[{**etcd, "dbSize": 2}])
    assert hub.memory.seq == before
    assert hub.part(Reports).document(uid)["etcd"][0]["dbSize"] == 2, "the newest row has it"
    await site.observe(uid, etcd=[{**etcd, "healthy": False}])
    assert hub.memory.seq == before + 1
    monkeypatch.setattr("edgewright.hub.clusters.index.LOGGED_EVERY", -1.0)
    await site.observe(uid, etcd=[{**etcd, "healthy": False}])
    assert hub.memory.seq == before + 2, "other hubs and readers need a time that is not too old"
    count = wire.MAX_OBSERVED // 1000 + 1
    large = await site.observe(uid, layers=[{"name": f"l{number}", "message": "x" * 1000} for number in range(count)])
    assert large.status_code == 413


async def of_one_host(inside: Inside) -> tuple[InsideSite, str, dict[str, Any]]:
    """Return a cluster of one host with its uid, and its node as a leader reports it: not ready."""
    site = await InsideSite.made(*inside, 1)
    return site, await site.create(), {"name": site.host, "ready": False, "version": "v1.36.3"}


async def complete(hub: Hub, site: InsideSite, uid: str, node: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the leader report that everything is ready: from then on the cluster does not form any more."""
    await site.observe(uid, nodes=[{**node, "ready": True}], layers=[{"name": "net", "state": "ready"}])
    await looked(hub, times.now(), monkeypatch)


async def test_what_is_wrong_is_listed_and_a_cluster_that_was_never_complete_is_forming(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    site, uid, node = await of_one_host(inside)

    await site.observe(uid, nodes=[node])
    ours = await overview(admin, uid)
    assert (ours["healthState"], ours["forming"], ours["problems"]) == ("Unknown", True, [])
    ends = {"name": "apiserver", "node": "n", "notAfter": times.rfc3339(times.now() + 20 * times.DAY)}
    layers = [{"name": "net", "state": "ready"}]
    await site.observe(uid, nodes=[{**node, "ready": True}], certificates=[ends], layers=layers)
    ours = await overview(admin, uid)
    assert (ours["healthState"], ours["forming"], ours["nodes"]) == ("Healthy", False, {"ready": 1, "total": 1})
    assert [row["kind"] for row in ours["problems"]] == ["certificate"] and ours["firstEnd"]["name"] == "apiserver"
    await looked(hub, times.now(), monkeypatch)
    etcd = [{"name": "n", "voter": True, "healthy": False}]
    await site.observe(uid, nodes=[node], etcd=etcd, certificates=[ends])
    await looked(hub, times.now(), monkeypatch)
    ours = await overview(admin, uid)
    assert ours["healthState"] == "UnHealthy" and ours["problems"][0]["since"]
    assert [row["kind"] for row in ours["problems"]] == ["node", "etcd", "certificate"], "it was complete once"
    state = await site.agent.put(protocol.path(wire.HOST_STATE, uid=uid), json={"api": {"ready": False}})
    assert state.status_code == 204
    assert (await overview(admin, uid))["problems"][0]["text"] == f"the API does not answer on {site.host}"
    assert (await reasons(hub, uid))[-1] == "ClusterUnhealthy"


async def test_a_node_whose_host_joins_again_is_a_change_and_no_trouble(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    site, uid, node = await of_one_host(inside)
    etcd = [{"name": site.host, "voter": False, "healthy": False}, {"name": "other", "voter": True, "healthy": True}]
    seq = 1

    async def shown(name: str, since: float, **more: Any) -> dict[str, Any]:
        nonlocal seq
        seq += 1
        progress = {"step": f"cluster-0123abcd-{name}-e1-2", "n": 1, "of": 1, "since": times.rfc3339(since), **more}
        beat = {"state": "healthy", "edgewright": {"seq": seq, "bootId": "b", "progress": progress}}
        (await site.agent.patch(protocol.path(protocol.HOST_HEALTH, uid=site.host), json=beat)).raise_for_status()
        return await overview(admin, uid)

    await complete(hub, site, uid, node, monkeypatch)
    await site.observe(uid, nodes=[node], etcd=etcd)
    ours = await shown("join-control-plane", times.now() - 60)
    assert (ours["healthState"], ours["problems"], ours["change"]) == ("Healthy", [], f"{site.host} joins")
    ours = await shown("join-control-plane", times.now() - 3600)
    assert [row["kind"] for row in ours["problems"]] == ["node", "etcd"], "one that does not end is a trouble"
    ours = await shown("join-control-plane", times.now() - 60, waitingFor="operator", errorClass="exit-1")
    text = f"Join as control plane failed on {site.host}"
    assert [row["kind"] for row in ours["problems"]] == ["step", "node", "etcd"]
    assert ours["change"] == "applied by 0 of 1"
    assert ours["problems"][0]["text"] == text, "a class is no reason; the log line comes with the next call"
    for step, error in (("keepalived-e1", ""), ("join-control-plane-e1-2", ": no space left")):
        failed = {"digest": "d", "step": f"cluster-0123abcd-{step}", "error": "no space left.", "at": ""}
        spec = {"edgewright": {"documents": [{"uid": uid, "kind": "cluster", "failed": failed}]}}
        body = {"metadata": {"uid": site.host}, "spec": spec}
        (await site.agent.put(protocol.path(protocol.HOST, uid=site.host), json=body)).raise_for_status()
        ours = await shown("join-control-plane", times.now(), waitingFor="operator", errorClass="exit-1")
        assert ours["problems"][0]["text"] == text + error
    more = {"waitingFor": "operator", "errorClass": "exit-1", "error": "the disk is full"}
    ours = await shown("join-control-plane", times.now(), **more)
    assert ours["problems"][0]["text"] == f"{text}: the disk is full", "the facts are those of the attempt before"
    ours = await shown("layer-net-e1", times.now() - 5)
    assert [row["kind"] for row in ours["problems"]] == ["node", "etcd"]
    assert ours["members"][0]["progress"]["title"].startswith("Install an add-on net")


async def test_a_host_that_has_never_joined_is_no_node_that_is_not_ready(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, admin = inside
    site, uid, node = await of_one_host(inside)
    await complete(hub, site, uid, node, monkeypatch)
    await site.observe(uid, nodes=[])
    assert [row["text"] for row in (await overview(admin, uid))["problems"]] == [f"1 host has not joined: {site.host}"]
    state = await site.agent.put(protocol.path(wire.HOST_STATE, uid=uid), json={"appliedDigest": "0" * 64})
    assert state.status_code == 204
    texts = [row["text"] for row in (await overview(admin, uid))["problems"]]
    assert texts == [f"1 host has no node any more: {site.host}"]
    await site.observe(uid, nodes=[node])
    assert [row["text"] for row in (await overview(admin, uid))["problems"]] == [f"1 node not ready: {site.host}"]


async def test_content_that_is_there_before_the_preflight_has_ended_is_done(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    progress = {"step": "cluster-0123abcd-preflight-01", "n": 1, "of": 9, "since": times.rfc3339(times.now())}
    progress |= {"beside": "cluster-0123abcd-fetch-02", "besidePercent": 100}
    beat = {"state": "healthy", "edgewright": {"seq": 2, "bootId": "b", "progress": progress}}
    (await site.agent.patch(protocol.path(protocol.HOST_HEALTH, uid=site.host), json=beat)).raise_for_status()
    states = [(row["step"], row["state"]) for row in (await overview(admin, uid))["checklist"][:3]]
    assert states == [("preflight", "running"), ("fetch", "done"), ("activate", "pending")]
