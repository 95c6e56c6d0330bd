"""P106: clusters that hosts report and the plane does not have so. Nothing harms them; an operator decides."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest

from edgewright.core.clusters.document import as_json, read, sealed
from edgewright.core.clusters.model import ClusterDocument, HostSettings
from edgewright.hub.clusters import controller, store
from edgewright.hub.clusters.index import ClusterIndex
from edgewright.hub.db import schema
from edgewright.hub.db.transaction import Tx
from edgewright.hub.http.problems import Problem
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.packs.tables import OCI, RegistryRecord
from edgewright.hub.process.app import Hub
from edgewright.hub.readmodel.blob_store import BlobStore
from edgewright.hub.relay.tables import relay_reach
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.inside import InsideSite

Inside = tuple[Hub, httpx.AsyncClient]
OTHER = "b" * 16
"""The lineage of the plane's database before it was restored."""


async def facts(site: InsideSite, document: ClusterDocument, others: Sequence[Any] = (), **more: Any) -> None:
    """Report a document as the agent of the host does, and `others` beside it."""
    place = {"lineage": OTHER, "generation": document.generation, "digest": document.digest}
    item = {"uid": document.uid, "kind": "cluster", "name": document.name, "role": "control-plane", "wanted": place}
    nic = {"nicName": "eth0", "ip": "10.9.0.1", "subnet": "255.255.255.0", "isDefault": True}
    spec = {"device": {"archType": "amd64", "nics": [nic]}, "edgewright": {"documents": [{**item, **more}, *others]}}
    body = {"metadata": {"uid": site.host}, "spec": spec}
    (await site.agent.put(protocol.path(protocol.HOST, uid=site.host), json=body)).raise_for_status()


async def lost(hub: Hub, uid: str) -> None:
    """Let the plane be restored from a backup that is older than the cluster."""
    record = hub.part(ClusterIndex).by_uid[uid].record

    def job(tx: Tx) -> None:
        store.free(tx, record)
        store.purge(tx, record)

    await hub.write(job)


async def desired(site: InsideSite, uid: str) -> tuple[ClusterDocument, dict[str, Any]]:
    body = (await site.agent.get(protocol.path(wire.DESIRED, uid=uid))).raise_for_status().json()
    return read(body["document"]), body["slice"]["sealed"]


async def config(site: InsideSite) -> dict[str, Any]:
    body = (await site.agent.get(protocol.path(protocol.HOST_CONFIG, uid=site.host))).raise_for_status().json()
    extension: dict[str, Any] = body["edgewright"]
    return extension


async def hand_over(
    site: InsideSite, uid: str, document: ClusterDocument, secrets: dict[str, Any], version: int = 1
) -> httpx.Response:
    body = {"id": (await config(site))["adopt"]["id"], "document": as_json(document), "version": version}
    body |= {"clusterSecret": secrets["clusterSecret"], "maskedValues": secrets["maskedValues"]}
    return await site.agent.put(protocol.path(wire.ADOPTION, uid=uid), json=body)


async def test_a_cluster_that_a_restored_plane_does_not_know_is_shown_and_adopted(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    await site.observe(uid)
    document, secrets = await desired(site, uid)
    await lost(hub, uid)

    await facts(site, document)
    (row,) = (await admin.get(wire.REPORTED)).json()["items"]
    assert (row["uid"], row["name"], row["state"], len(row["hosts"])) == (uid, document.name, "unknown", 1)
    assert f"edgewright cluster adopt {uid}" in row["message"]
    shown = (await admin.get(protocol.path(protocol.HOST, uid=site.host))).json()["status"]["edgewright"]["cluster"]
    assert (shown["state"], shown["role"]) == ("unknown", "control-plane")
    assert (await config(site))["cluster"] is None, "nothing is asked of the host"

    assert (await admin.post(protocol.path(wire.OVERRIDE, uid=uid))).status_code == 404
    asked = await admin.post(protocol.path(wire.ADOPT, uid=uid), json={})
    assert (asked.status_code, asked.json()["hostUid"]) == (202, site.host), asked.text
    cluster = (await admin.get(protocol.path(wire.CLUSTER, uid=uid))).json()
    assert cluster["status"]["state"] == "Unknown"
    assert "Adopting" in {row["type"] for row in cluster["status"]["conditions"]}
    assert (await admin.get(wire.REPORTED)).json()["items"] == []
    assert (await config(site))["adopt"]["digest"] == document.digest

    other = sealed(dataclasses.replace(document, digest="", host_settings=HostSettings(("10.0.0.1",))))
    wrong = await hand_over(site, uid, other, secrets)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "AdoptionRefused")
    assert (await hand_over(site, uid, document, {**secrets, "clusterSecret": ""})).status_code == 409
    bad = {**secrets, "maskedValues": {"0" * 64: "x"}}
    assert "does not match its digest" in (await hand_over(site, uid, document, bad)).json()["message"]
    assert (await hand_over(site, uid, document, {**secrets, "maskedValues": ["x"]})).status_code == 409
    assert (await hand_over(site, uid, document, secrets, 1 << 40)).status_code == 409
    conditions = (await admin.get(protocol.path(wire.CLUSTER, uid=uid))).json()["status"]["conditions"]
    assert [row["message"] for row in conditions if row["type"] == "AdoptionRefused"]

    taken = await hand_over(site, uid, document, secrets)
    assert taken.status_code == 204, taken.text
    now, sealed_now = await desired(site, uid)
    assert now.digest == document.digest and now.lineage == hub.lineage.value
    assert sealed_now["clusterSecret"] == secrets["clusterSecret"]
    assert sealed_now["maskedValues"] == secrets["maskedValues"]
    named = (await config(site))["cluster"]
    assert (named["digest"], named["lineage"]) == (document.digest, hub.lineage.value)
    status = (await admin.get(protocol.path(wire.CLUSTER, uid=uid))).json()["status"]
    assert status["state"] == "Running", "it has a proof of formation: no host forms it again"
    assert {row["type"] for row in status["conditions"]} & {"AdoptionRefused", "Adopting"} == set()
    again = await admin.post(protocol.path(wire.ADOPT, uid=uid), json={})
    assert again.json()["code"] == "NothingToDecide"
    files = [path.read_bytes() for path in hub.data.rglob("*") if path.is_file()]
    private = [secrets["clusterSecret"], *secrets["maskedValues"].values()]
    assert len(private) > 1 and document.digest.encode() in b"".join(files)
    assert not [text for text in private if any(text.encode() in content for content in files)]


async def test_an_adoption_is_given_up_without_a_word_to_the_hosts(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    document, _ = await desired(site, uid)
    await lost(hub, uid)
    await facts(site, document)
    (await admin.post(protocol.path(wire.ADOPT, uid=uid), json={})).raise_for_status()
    assert (await admin.delete(protocol.path(wire.CLUSTER, uid=uid))).status_code == 204
    assert uid not in hub.part(ClusterIndex).by_uid
    assert "adopt" not in await config(site) and (await config(site))["cluster"] is None


async def test_hosts_with_another_document_are_adopted_or_overridden(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    mine, secrets = await desired(site, uid)
    newer = dataclasses.replace(mine, digest="", generation=9, host_settings=HostSettings(("10.0.0.1",)))
    theirs = sealed(newer)
    offered = {"lineage": mine.lineage, "generation": mine.generation, "digest": mine.digest}
    nothing = await admin.post(protocol.path(wire.OVERRIDE, uid=uid))
    assert nothing.json()["code"] == "NothingToDecide"
    await facts(site, theirs, offered=offered)
    (row,) = (await admin.get(wire.REPORTED)).json()["items"]
    assert row["state"] == "differs"

    taken = (await admin.post(protocol.path(wire.OVERRIDE, uid=uid))).json()
    (operation,) = (await config(site))["operations"]
    assert (operation["kind"], operation["params"]) == ("accept", {"document": uid, "digest": mine.digest})
    assert taken["items"][0]["operation"] == operation["id"]

    (await admin.post(protocol.path(wire.ADOPT, uid=uid), json={"digest": theirs.digest})).raise_for_status()
    assert (await hand_over(site, uid, theirs, secrets)).status_code == 204
    now, _ = await desired(site, uid)
    assert now.digest == theirs.digest and now.generation == 10
    cluster = (await admin.get(protocol.path(wire.CLUSTER, uid=uid))).json()
    assert cluster["spec"]["clusterProfileTemplates"], "the profiles of the plane's record stay"
    config_uid = cluster["spec"]["cloudConfigRef"]["uid"]
    cloud = (await admin.get(protocol.path(wire.CONFIG, configUid=config_uid))).json()["spec"]
    assert cloud["clusterConfig"]["ntpServers"] == ["10.0.0.1"]


async def test_a_host_of_another_project_or_without_the_document_is_not_taken(inside: Inside) -> None:
    hub, admin = inside
    site, second = await InsideSite.made(hub, admin, 1), await InsideSite.made(hub, admin, 2)
    uid = await site.create()
    document, secrets = await desired(site, uid)
    await lost(hub, uid)
    stranger = dataclasses.replace(document.members[0], host_uid=second.host, node_name=second.host, address="10.9.0.2")
    wider = sealed(dataclasses.replace(document, digest="", members=(*document.members, stranger)))
    await facts(site, wider)
    (await admin.post(protocol.path(wire.ADOPT, uid=uid), json={})).raise_for_status()
    refused = await hand_over(site, uid, wider, secrets)
    assert refused.status_code == 409 and "do not report that they belong to it" in refused.json()["message"]
    assert hub.part(ClusterIndex).of_host(second.host) is None


async def test_steps_that_wait_are_tried_again_on_all_members(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    assert (await admin.post(protocol.path(wire.RETRY, uid=uid), json={})).json()["code"] == "NothingToDecide"
    progress = {
        "step": "fetch",
        "n": 2,
        "of": 9,
        "since": "2026-11-28T22:00:00Z",
        "attempt": 3,
        "waitingFor": "operator",
    }
    beat = {
        "state": "unhealthy",
        "agentVersion": "0.1.0",
        "edgewright": {"seq": 2, "bootId": "b", "progress": progress},
    }
    (await site.agent.patch(protocol.path(protocol.HOST_HEALTH, uid=site.host), json=beat)).raise_for_status()
    asked = await admin.post(protocol.path(wire.RETRY, uid=uid), json={})
    assert asked.status_code == 202 and asked.json()["items"][0]["hostUid"] == site.host
    assert [item["kind"] for item in (await config(site))["operations"]] == ["retry"]


@pytest.mark.parametrize("quiet", [False, True])
async def test_a_cluster_whose_hosts_are_silent_is_never_healthy(inside: Inside, quiet: bool) -> None:
    hub, admin = inside
    site, second = await InsideSite.made(hub, admin, 1), await InsideSite.made(hub, admin, 2)
    body = site.body()
    hosts = [{"hostUid": site.host}, {"hostUid": second.host}]
    body["spec"]["machinepoolconfig"][0]["cloudConfig"]["edgeHosts"] = hosts[:1]
    worker = {"name": "w", "size": 1, "labels": ["worker"], "isControlPlane": False}
    body["spec"]["machinepoolconfig"].append({"cloudConfig": {"edgeHosts": hosts[1:]}, "poolConfig": worker})
    uid = str((await admin.post(wire.CREATE, json=body)).raise_for_status().json()["uid"])
    nodes = [{"name": host["hostUid"], "ready": True} for host in hosts]
    await site.observe(uid, nodes=nodes)

    async def judged() -> tuple[str, str]:
        status = (await admin.get(protocol.path(wire.OVERVIEW, uid=uid))).json()["status"]["edgewright"]
        return status["healthState"], status["reason"]

    assert await judged() == ("Healthy", "")
    hub.state.hosts[second.host].live.excused = -3600.0
    if quiet:
        hub.state.hosts[site.host].live.excused = -3600.0
    verdict, reason = await judged()
    if quiet:
        assert verdict == "Unknown" and reason.startswith("No heartbeat of any host: ")
        assert "the last report of a control plane is 0 s old" in reason
    else:
        assert verdict == "UnHealthy" and reason == f"1 host silent: {second.host}."


def registry(hub: Hub, password: str) -> RegistryRecord:
    """Return the registry of the tree with a login."""
    spec = {"auth": {"type": "basic", "username": "u", "tls": {}}}
    return RegistryRecord(
        "r1", "trees", OCI, "https://registry.example", msgspec.json.encode({"spec": spec}).decode(),
        hub.box.seal(msgspec.json.encode({"password": password}).decode()), "[]", "", "", None, None, 0.0, 0.0,
    )  # fmt: skip


async def test_p107_a_new_login_of_a_registry_reaches_the_hosts_without_a_new_document(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    assert (await config(site))["cluster"]["access"] == ""
    hub.part(PackIndex).put_registry(registry(hub, "first"))
    work = SimpleNamespace(services=hub, write=hub.write)
    await controller.look(work)  # type: ignore[arg-type]
    before = await config(site)
    hub.part(PackIndex).put_registry(registry(hub, "second"))
    assert (await config(site))["generation"] == before["generation"]
    await controller.look(work)  # type: ignore[arg-type]
    after = await config(site)
    assert after["generation"] > before["generation"] and after["cluster"]["access"] != before["cluster"]["access"]
    assert {**after["cluster"], "access": ""} == {**before["cluster"], "access": ""}, "the document stays"
    assert "second" not in str(after)
    _, secrets = await desired(site, uid)
    assert secrets["registryAuth"][0]["password"] == "second"


async def test_p108_content_that_the_plane_lacks_is_handed_over_and_nothing_else(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    document, secrets = await desired(site, uid)
    project = hub.part(ClusterIndex).by_uid[uid].record.project_uid
    masked = secrets["maskedValues"]
    (digest,) = [each for layer in document.layers for each in layer.content if each not in masked]
    data = await hub.read(lambda connection: hub.part(BlobStore).read(connection, project, digest))
    assert data is not None
    await lost(hub, uid)
    await hub.write(lambda tx: tx.run(schema.metadata.tables["blobs"].delete()))
    await facts(site, document)
    (await admin.post(protocol.path(wire.ADOPT, uid=uid), json={})).raise_for_status()
    assert (await hand_over(site, uid, document, secrets)).status_code == 204
    assert (await config(site))["content"] == {"uid": uid, "digests": [digest]}

    async def send(name: str, sent: bytes) -> int:
        body = {"data": base64.b64encode(sent).decode()}
        path = protocol.path(wire.CONTENT, uid=uid, digest=name)
        return (await site.agent.put(path, json=body)).status_code

    async def conditions() -> set[str]:
        status = (await admin.get(protocol.path(wire.CLUSTER, uid=uid))).json()["status"]
        return {row["type"] for row in status["conditions"]}

    assert "ContentMissing" in await conditions()
    assert await send(digest, b"other bytes") == 422
    strange = hashlib.sha256(b"not asked for").hexdigest()
    assert await send(strange, b"not asked for") == 204
    count = await hub.read(lambda connection: connection.execute(schema.metadata.tables["blobs"].select()).all())
    assert count == [], "what is not asked for is not stored"
    assert await send(digest, data) == 204 and await send(digest, data) == 204
    assert "ContentMissing" not in await conditions() and "content" not in await config(site)
    assert (await site.agent.get(protocol.path(protocol.BLOB, digest=digest))).content == data


async def test_p106_a_simulated_cluster_has_no_secrets_and_can_be_changed_after_its_adoption(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 5, simulated=True)
    uid = await site.create()
    document, _ = await desired(site, uid)
    await lost(hub, uid)
    await facts(site, document)
    (await admin.post(protocol.path(wire.ADOPT, uid=uid), json={})).raise_for_status()
    assert (await hand_over(site, uid, document, {"clusterSecret": "", "maskedValues": {}})).status_code == 204
    now, _ = await desired(site, uid)
    assert now.digest == document.digest
    sent = {"profiles": [{"uid": site.profile, "variables": [{"name": "password", "value": "x"}]}]}
    changed = await admin.patch(protocol.path(wire.PROFILES, uid=uid), json=sent)
    assert changed.status_code == 204, changed.text
    assert (await desired(site, uid))[0].generation > now.generation


async def test_p106_a_host_with_two_clusters_is_asked_for_one_after_the_other(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 3)
    uid = await site.create()
    document, secrets = await desired(site, uid)
    await lost(hub, uid)
    second = sealed(dataclasses.replace(document, uid="f" * 24, name="harbour", digest=""))
    place = {"lineage": OTHER, "generation": 1, "digest": second.digest}
    more = {"uid": second.uid, "kind": "cluster", "name": "harbour", "role": "control-plane", "wanted": place}
    await facts(site, document, others=[more])
    for cluster in (uid, second.uid):
        (await admin.post(protocol.path(wire.ADOPT, uid=cluster), json={})).raise_for_status()
    asked = await config(site)
    assert asked["adopt"]["uid"] == uid, "the one that was asked for first"
    refused = await hand_over(site, uid, document, {**secrets, "clusterSecret": ""})
    assert refused.status_code == 409
    after = await config(site)
    assert after["adopt"]["uid"] == second.uid and after["generation"] > asked["generation"]
    assert (await admin.delete(protocol.path(wire.CLUSTER, uid=second.uid))).status_code == 204
    last = await config(site)
    assert last["adopt"]["uid"] == uid and last["generation"] > after["generation"]
    assert (await hand_over(site, uid, document, secrets)).status_code == 204
    assert "adopt" not in await config(site)


async def test_only_a_control_plane_of_a_known_cluster_is_asked_and_different_documents_need_a_choice(
    inside: Inside,
) -> None:
    hub, admin = inside
    site, second = await InsideSite.made(hub, admin, 1), await InsideSite.made(hub, admin, 2)
    uid = await site.create()
    mine, secrets = await desired(site, uid)
    theirs = sealed(dataclasses.replace(mine, digest="", generation=9, host_settings=HostSettings(("10.0.0.1",))))
    offered = {"lineage": mine.lineage, "generation": mine.generation, "digest": mine.digest}
    adopt = protocol.path(wire.ADOPT, uid=uid)
    await facts(second, theirs, offered=offered)
    assert (await admin.post(adopt, json={})).json()["code"] == "NothingToDecide", "it is not a member"
    await facts(site, theirs, offered=offered)
    (await admin.post(adopt, json={})).raise_for_status()
    refused = await hand_over(site, uid, theirs, {**secrets, "clusterSecret": "ab" * 32})
    assert refused.status_code == 409 and "another secret" in refused.json()["message"]
    feigned = sealed(dataclasses.replace(theirs, digest="", simulated=True))  # such a document needs no secret
    await facts(site, feigned, offered=offered)
    (await admin.post(adopt, json={})).raise_for_status()
    refused = await hand_over(site, uid, feigned, {**secrets, "clusterSecret": ""})
    assert refused.status_code == 409 and "whether it is simulated" in refused.json()["message"]
    await facts(site, theirs, offered=offered)

    await lost(hub, uid)
    newest = sealed(dataclasses.replace(mine, digest="", generation=99, host_settings=HostSettings(("10.0.0.2",))))
    await facts(second, newest)
    choice = await admin.post(adopt, json={})
    assert choice.status_code == 409 and "report different documents" in choice.json()["message"]
    named = await admin.post(adopt, json={"hostUid": site.host})
    assert (named.status_code, named.json()["digest"]) == (202, theirs.digest)


async def test_a_cluster_that_a_caller_does_not_see_is_not_adopted_over_it(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    record = hub.part(ClusterIndex).by_uid[await site.create()].record
    with pytest.raises(Problem, match="is on this plane already") as refused:
        await hub.write(lambda tx: store.insert_adopting(tx, record))
    assert (refused.value.status, refused.value.code) == (409, "AdoptionRefused")


async def test_how_a_cluster_was_reached_is_removed_with_it(inside: Inside) -> None:
    hub, admin = inside
    site = await InsideSite.made(hub, admin, 1)
    uid = await site.create()
    values = {"cluster_uid": uid, "state": "yes", "since": 1.0, "error": ""}
    await hub.write(lambda tx: tx.run(relay_reach.insert().values(**values)))
    await lost(hub, uid)
    assert await hub.read(lambda connection: connection.execute(relay_reach.select()).all()) == []
