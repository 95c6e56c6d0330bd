"""Clusters over the API: made, given to their hosts, reported, deleted; what is refused, with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.core.clusters.document import read
from edgewright.core.clusters.host_slice import read_slice
from edgewright.core.clusters.join import host_secret
from edgewright.hub.process.backup import backup, restore
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import CANARY, TREE, Site, infrastructure, pack, publish
from tests.hub_fixture import RunningHub


@pytest.fixture(scope="module")
def site(hub: RunningHub) -> Iterator[Site]:
    yield Site(hub, 4)


def of(path: str, uid: str, **names: str) -> str:
    return protocol.path(path, uid=uid, **names)


def test_a_cluster_from_create_to_delete(hub: RunningHub) -> None:
    """P100, P102, P103: what hosts get, what they and their leader report, how they leave."""
    site = Site(hub, 3)
    first, second, worker = site.hosts
    uid = site.create(controls=1, workers=1)
    read_back = site.get(uid)
    assert read_back["spec"]["cloudType"] == "edge-native" and read_back["status"]["state"] == "Pending"
    assert read_back["metadata"]["labels"] == {"env": "spectro__tag"}
    assert read_back["status"]["spcApply"]["canBeApplied"] is True
    config = site.agents[first].get(of(protocol.HOST_CONFIG, first)).json()
    assert config["clusterUids"] == [uid]
    position = config["edgewright"]["cluster"]
    desired = site.desired(uid, first)
    document = read(desired["document"])
    assert (position["uid"], position["generation"], position["digest"]) == (uid, 1, document.digest)
    assert position["lineage"] == document.lineage != ""
    assert [(member.host_uid, member.role) for member in document.members] == [
        (first, "control-plane"),
        (second, "worker"),
    ]
    assert document.bootstrap.init_host_uid == first and document.members[0].address == site.address(1)
    assert [layer.name for layer in document.layers] == ["net", "shop"]
    assert site.admin.get(of(protocol.HOST, first)).json()["status"]["state"] == "in-use"
    own, other = read_slice(desired["slice"]).sealed, read_slice(site.desired(uid, second)["slice"]).sealed
    assert own.cluster_secret and not own.host_secret and not other.cluster_secret
    assert other.host_secret == host_secret(bytes.fromhex(own.cluster_secret), second).hex()
    shop = document.layers[1].content[0]
    assert CANARY in own.masked_values[shop] and not other.masked_values
    assert site.agents[first].get(f"{protocol.BLOBS}/{document.layers[0].content[0]}").status_code == 200
    assert site.agents[first].get(f"{protocol.BLOBS}/{shop}").status_code == 404
    assert site.agents[worker].get(of(wire.DESIRED, uid)).status_code == 403

    assert site.report(uid, first, appliedDigest=document.digest).status_code == 204
    assert site.get(uid)["status"]["state"] == "Provisioning"
    assert site.observe(uid, first, 1).status_code == 204
    assert site.get(uid)["status"]["state"] == "Running"
    after = read(site.desired(uid, first)["document"])
    assert after.bootstrap.done is not None and (after.generation, after.digest) == (2, document.digest)
    late = site.observe(uid, first, 0)
    assert (late.status_code, late.json()["code"]) == (409, "OlderLeader")
    assert site.observe(uid, second).status_code == 403

    assert site.admin.delete(of(wire.CLUSTER, uid)).status_code == 204
    assert site.get(uid)["status"]["state"] == "Deleting"
    last = read(site.desired(uid, second)["document"])
    assert last.ending and all(member.release_id for member in last.members)
    assert read_slice(site.desired(uid, second)["slice"]).sealed.host_secret == ""
    early = site.admin.delete(of(wire.CLUSTER, uid), params={"forceDelete": "true"})
    assert early.json()["code"] == "ForceDeleteTooEarly" and "can be deleted by force from" in early.text
    assert site.report(uid, second, released="another").status_code == 409
    assert site.leave(uid, second).status_code == 204
    assert site.admin.get(of(protocol.HOST, second)).json()["status"]["state"] == "ready"
    assert site.get(uid)["status"]["state"] == "Deleting"
    assert site.leave(uid, first).status_code == 204
    assert site.get(uid)["status"]["state"] == "Deleted"
    assert site.agents[first].get(of(protocol.HOST_CONFIG, first)).json()["clusterUids"] == []
    again = site.create(site.body(name=read_back["metadata"]["name"], controls=1))
    assert again != uid


def test_secrets_are_sealed_and_in_no_log(hub: RunningHub, tmp_path: Path) -> None:
    """P101, P104: neither the secret of a cluster, nor masked values, nor kubeconfigs are in any file in the clear.

    The files are the database with its change log, audit log and events, the logs, and those of a backup.
    """
    site = Site(hub, 1)
    uid = site.create(controls=1)
    secret = read_slice(site.desired(uid, site.hosts[0])["slice"]).sealed.cluster_secret
    kubeconfig = "kubeconfig-canary-55"
    path = of(wire.KUBECONFIGS, uid)
    assert site.agents[site.hosts[0]].put(path, json={"admin": kubeconfig, "client": "x"}).status_code == 204
    site.admin.get(of(wire.CLUSTER, uid)).raise_for_status()
    assert CANARY not in site.admin.get(of(wire.CLUSTER, uid)).text
    restore(backup(hub.data, tmp_path / "hub.backup"), tmp_path / "restored")
    files = [path for folder in (hub.data, tmp_path / "restored") for path in folder.rglob("*") if path.is_file()]
    assert any(uid.encode() in path.read_bytes() for path in files if path.is_relative_to(tmp_path))
    for canary in (CANARY, secret, kubeconfig):
        assert not [path.name for path in files if canary.encode() in path.read_bytes()]


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("no hosts", {"machinepoolconfig": []}, "NoHosts", "The cluster has no hosts. Add at least one control plane."),
    ("no profile", {"profiles": []}, "NoKubernetes", "have no Kubernetes layer. Attach a full or an infrastructure"),
    (
        "VIP outside of the subnet",
        {"cloudConfig": {"controlPlaneEndpoint": {"host": "192.0.2.1", "type": "VIP"}}},
        "VipOutsideSubnet",
        "The VIP 192.0.2.1 is outside of the network of ",
    ),
]


@pytest.mark.parametrize(("changes", "code", "text"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(site: Site, changes: dict[str, Any], code: str, text: str) -> None:
    answer = site.admin.post(wire.CREATE, json=site.body(**changes))
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert text in answer.json()["message"]
    checked = site.admin.post(wire.VALIDATE, json=site.body(**changes)).json()
    (row,) = checked["machinePools"]["results"]
    assert row["errors"][0]["code"] == code and text in row["errors"][0]["message"]


def test_hosts_that_cannot_be_used(hub: RunningHub, site: Site) -> None:
    def refused(host: str, *more: str) -> tuple[int, Any, str]:
        pools = [site.pool("cp-pool", [host, *more], True)]
        answer = site.admin.post(wire.CREATE, json=site.body(machinepoolconfig=pools))
        return answer.status_code, answer.json()["code"], answer.json()["message"]

    sick, watched = site.add_host(30, healthy=False), site.add_host(31, observed=True)
    unreal, other = site.add_host(32, simulated=True), Site(hub, 1).hosts[0]
    assert refused(sick)[1] == "HostUnhealthy" and f"{sick} is unhealthy" in refused(sick)[2]
    assert refused(watched)[1] == "NoAgent"
    first = site.hosts[0]
    assert refused(first, first)[:2] == (422, "HostTwice")
    assert refused(other)[0] == 404 and refused("no-such-host")[0] == 404
    mixed = refused(unreal, first, site.hosts[1])
    assert mixed[1] == "Simulated" and first in mixed[2]
    assert refused(first, site.hosts[1])[1] == "TwoControlPlanes"
    uid = site.create(controls=1)
    taken = refused(first)
    assert taken[:2] == (409, "EdgeHostInUse") and "release it there first" in taken[2].lower()
    name = site.get(uid)["metadata"]["name"]
    pools = [site.pool("cp-pool", [site.hosts[1]], True)]
    twice = site.admin.post(wire.CREATE, json=site.body(name=name, machinepoolconfig=pools))
    assert (twice.status_code, twice.json()["code"]) == (409, "DuplicateCluster") and name in twice.json()["message"]
    assert site.admin.get(wire.VALIDATE_NAME, params={"name": name}).status_code == 409
    assert site.admin.get(wire.VALIDATE_NAME, params={"name": "free"}).status_code == 204
    used = site.admin.delete(of(protocol.PROFILE, site.profile))
    assert (used.status_code, used.json()["code"]) == (409, "ProfileInUse") and name in used.text
    held = site.admin.delete(of(protocol.HOST, first))
    assert held.json()["code"] == "EdgeHostInUse"


def test_profiles_that_cannot_be_used(site: Site) -> None:
    def refused(profile: str, variables: Any = None) -> tuple[Any, str]:
        values = [{"name": "password", "value": "x"}] if variables is None else variables
        spec: dict[str, Any] = {"profiles": [{"uid": profile, "variables": values}]}
        pools = [site.pool("cp-pool", [site.hosts[3]], True)]
        answer = site.admin.post(wire.CREATE, json=site.body(machinepoolconfig=pools, **spec))
        return answer.json()["code"], answer.json()["message"]

    draft = site.admin.post(protocol.PROFILES, json=infrastructure()).json()["uid"]
    assert refused(draft)[0] == "ProfileNotUsable" and "is a draft; publish it first" in refused(draft)[1]
    bare = publish(site.admin, infrastructure(tree="tree:\n  ref: ''\n  digest: ''\n"))
    assert refused(bare)[0] == "NoTree" and "layer edge-k8s, tree: " in refused(bare)[1]
    assert refused(site.profile, [])[0] == "MissingValue"
    assert refused("f" * 24)[0] == "ResourceNotFound"


def test_k3s_is_marked_as_not_proven_here(site: Site) -> None:
    networks = "cluster:\n  config:\n    cluster-cidr: 100.64.0.0/18\n    service-cidr: 100.64.64.0/18\n"
    body = infrastructure()
    body["spec"]["template"]["packs"][1] = pack("edge-k3s", "1.32.9", "k8s", TREE + networks)
    own = Site(site.hub, 1)
    values = [{"name": "password", "value": "x"}]
    sent = own.body(profiles=[{"uid": publish(own.admin, body), "variables": values}])
    checked = own.admin.post(wire.VALIDATE, json=sent).raise_for_status().json()
    assert checked["machinePools"]["results"] == []
    assert ["k3s is not proven here" in text for text in checked["edgewright"]["warnings"]] == [True]
    uid = own.create(sent)
    conditions = {row["type"]: row["message"] for row in own.get(uid)["status"]["conditions"]}
    assert "k3s is not proven here" in conditions["NotProven"]
    other = Site(site.hub, 1)
    assert "NotProven" not in {row["type"] for row in other.get(other.create())["status"]["conditions"]}
