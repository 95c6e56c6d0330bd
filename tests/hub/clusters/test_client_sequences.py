"""What Palette's clients call, in their order, over TLS: made, read back without drift, tags, scale, delete."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.clusters.document import read
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import CANARY, Site, infrastructure, publish
from tests.hub_fixture import RunningHub

_QUERY = {"includeNonSpectroLabels": "false", "resolvePackValues": "false"}
_OCTETS = {"Accept": "application/octet-stream", "Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def site(hub: RunningHub) -> Site:
    return Site(hub, 4)


def of(path: str, uid: str, **names: str) -> str:
    return protocol.path(path, uid=uid, **names)


def read_back(site: Site, uid: str) -> tuple[Any, Any]:
    """Do what the Terraform provider does to read a cluster; return the cluster and its cloud configuration."""
    admin = site.admin
    cluster = admin.get(of(wire.CLUSTER, uid), params=_QUERY).raise_for_status().json()
    for path in (wire.KUBECONFIG_CLIENT, wire.KUBECONFIG_ADMIN):
        answer = admin.get(of(path, uid), headers=_OCTETS)
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/octet-stream"
        audits = admin.get(protocol.AUDITS, params={"resourceUid": uid}).json()["items"]
        word = "admin" if path == wire.KUBECONFIG_ADMIN else "client"
        assert f"The {word} kubeconfig" in str(audits[0]), "the newest entry"
    for path, code in ((wire.BACKUP, "BackupNotConfigured"), (wire.SCAN, "ResourceNotFound")):
        answer = admin.get(of(path, uid))
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    for path in (wire.RBACS, wire.NAMESPACES):
        assert isinstance(admin.get(of(path, uid)).raise_for_status().json()["items"], list)
    config = cluster["spec"]["cloudConfigRef"]["uid"]
    return cluster, admin.get(protocol.path(wire.CONFIG, configUid=config)).raise_for_status().json()


def formed(site: Site, uid: str) -> None:
    """Do what the hosts do until the cluster is formed."""
    leader = site.desired(uid, site.hosts[0])["document"]["bootstrap"]["initHostUid"]
    files = {"admin": "apiVersion: v1\nkind: Config\n", "client": "apiVersion: v1\nkind: Config\n"}
    assert site.agents[leader].put(of(wire.KUBECONFIGS, uid), json=files).status_code == 204
    assert site.observe(uid, leader, 1).status_code == 204


def test_terraform_edge_native_cluster(site: Site) -> None:
    admin, hosts = site.admin, site.hosts
    body = site.body(name="edge-c1", controls=1, workers=1)
    body["spec"]["MachinePoolConfig"] = body["spec"].pop("machinepoolconfig")  # CanvOS writes it in another case
    checked = admin.post(wire.VALIDATE, json=body).raise_for_status().json()
    assert checked["machinePools"] == {"results": []}
    made = admin.post(wire.CREATE, json=body)
    assert made.status_code == 201
    uid = made.json()["uid"]
    assert admin.get(of(wire.CLUSTER, uid), params=_QUERY).json()["status"]["state"] in ("Pending", "Provisioning")
    early = admin.get(of(wire.KUBECONFIG_CLIENT, uid), headers=_OCTETS)
    assert early.status_code == 404 and "has no kubeconfig yet: it is Pending" in early.json()["message"]
    formed(site, uid)
    assert admin.get(of(wire.CLUSTER, uid), params=_QUERY).json()["status"]["state"] == "Running"
    assert admin.get(of(wire.OVERVIEW, uid)).json()["status"]["health"]["state"] == "Healthy"

    cluster, config = read_back(site, uid)
    again, same = read_back(site, uid)
    assert (again["spec"], same["spec"]) == (cluster["spec"], config["spec"]), "the client would see drift"
    assert cluster["metadata"]["labels"] == {"env": "spectro__tag"}
    endpoint = config["spec"]["clusterConfig"]["controlPlaneEndpoint"]
    assert endpoint == {"host": site.address(200), "type": "VIP"}
    pools = {pool["name"]: pool for pool in config["spec"]["machinePoolConfig"]}
    assert [pool["hosts"][0]["hostUid"] for pool in pools.values()] == hosts[:2]
    assert pools["cp-pool"]["useControlPlaneAsWorker"] is True and pools["worker-pool"]["size"] == 1
    templates = cluster["spec"]["clusterProfileTemplates"]
    assert [(item["uid"], item["profileVersion"]) for item in templates] == [(site.profile, "1.0.0")]

    scale(site, uid, cluster["spec"]["cloudConfigRef"]["uid"])

    meta = {"metadata": {"name": "edge-c1", "labels": {"env": "spectro__tag", "site": "berlin"}, "uid": ""}}
    assert admin.patch(of(wire.METADATA, uid), json=meta).status_code == 204
    assert site.get(uid)["metadata"]["labels"] == {"env": "spectro__tag", "site": "berlin"}

    search(site, uid)
    assert admin.delete(of(wire.CLUSTER, uid)).status_code == 204
    for host in hosts[:2]:
        assert site.leave(uid, host).status_code == 204
    assert site.get(uid)["status"]["state"] == "Deleted"
    gone = admin.get(of(wire.KUBECONFIG_CLIENT, uid), headers=_OCTETS)
    assert gone.status_code == 404 and "is deleted, and its kubeconfig with it" in gone.json()["message"]
    assert admin.post(wire.SEARCH, json=deleted(True)).json()["items"][0]["metadata"]["uid"] == uid


def scale(site: Site, uid: str, config: str) -> None:
    """Scale out by the complete pool, and in by the machine that has the name of the host."""
    admin, third = site.admin, site.hosts[2]
    named = {"configUid": config, "machinePoolName": "worker-pool"}
    machines = protocol.path(wire.MACHINES, **named)
    assert len(admin.get(machines).json()["items"]) == 1
    workers = [site.hosts[1], third]
    pool = site.pool(
        "worker-pool",
        workers,
        False,
        additionalLabels={"zone": "a"},
        additionalAnnotations={"rack": "7"},
        taints=[{"key": "gpu", "effect": "NoSchedule"}],
    )
    assert admin.put(protocol.path(wire.POOL, **named), json=pool).status_code == 204
    document = read(site.desired(uid, third)["document"])
    joined = document.member(third)
    assert joined is not None and joined.labels == {"zone": "a"} and joined.taints[0].key == "gpu"
    items = admin.get(machines).json()["items"]
    assert [item["metadata"]["name"] for item in items] == workers
    cordon = {"cloudType": "edge-native", **named, "machineUid": items[1]["metadata"]["uid"]}
    answer = admin.put(protocol.path(wire.MAINTENANCE, **cordon), json={"action": "cordon"})
    assert answer.status_code == 204
    path = protocol.path(wire.MACHINE, **named, machineUid=items[1]["metadata"]["uid"])
    assert admin.get(path).json()["status"]["maintenanceStatus"]["action"] == "cordon"
    cordoned = read(site.desired(uid, third)["document"]).member(third)
    assert cordoned is not None and cordoned.cordoned and dict(cordoned.annotations) == {"rack": "7"}
    assert admin.delete(path).status_code == 204
    assert admin.get(path).json()["status"]["instanceState"] == "Deleting"
    smaller = site.pool("worker-pool", [site.hosts[1]], False, additionalLabels={"zone": "a"})
    assert admin.put(protocol.path(wire.POOL, **named), json=smaller).status_code == 204
    back = admin.put(protocol.path(wire.POOL, **named), json=pool)
    assert (back.status_code, back.json()["code"]) == (409, "EdgeHostInUse"), "it has not left yet"
    assert site.leave(uid, third).status_code == 204
    assert len(admin.get(machines).json()["items"]) == 1
    extra = admin.post(protocol.path(wire.POOLS, configUid=config), json=site.pool("more", [third], False))
    assert extra.status_code == 201
    more = protocol.path(wire.POOL, configUid=config, machinePoolName="more")
    assert admin.delete(more).status_code == 204 and site.leave(uid, third).status_code == 204
    shown = admin.get(protocol.path(wire.CONFIG, configUid=config)).json()["spec"]["machinePoolConfig"]
    assert [pool["name"] for pool in shown] == ["cp-pool", "worker-pool"]


def deleted(value: bool) -> dict[str, Any]:
    """Return the search of the Terraform provider's data source; false is left out, as Go does."""

    def of_text(name: str, *values: str, negation: bool = False) -> dict[str, Any]:
        match = {"conjunction": "or", "values": list(values)}
        condition = {"string": {"operator": "eq", "negation": negation, "ignoreCase": False, "match": match}}
        return {"property": name, "type": "string", "condition": condition}

    first = [
        of_text("environment", "nested", negation=True),
        {"property": "isDeleted", "type": "bool", "condition": {"bool": {"value": True} if value else {}}},
    ]
    groups = [
        {"conjunction": "and", "filters": first},
        {"conjunction": "and", "filters": [of_text("clusterName", "edge-c1")]},
    ]
    return {"filter": {"conjunction": "and", "filterGroups": groups}, "sort": None}


def search(site: Site, uid: str) -> None:
    """Find the cluster by its name, as the data source does."""
    found = site.admin.post(wire.SEARCH, json=deleted(False)).raise_for_status().json()
    assert [item["metadata"]["uid"] for item in found["items"]] == [uid] and found["listmeta"]["continue"] == ""
    assert site.admin.post(wire.SEARCH, json=deleted(True)).json()["items"] == []
    strange = {"filter": {"filterGroups": [{"filters": [{"property": "moon", "type": "string", "condition": {}}]}]}}
    assert site.admin.post(wire.SEARCH, json=strange).status_code == 422


def test_profiles_variables_and_resources(hub: RunningHub) -> None:
    site = Site(hub, 1)
    admin, host = site.admin, site.hosts[0]
    uid = site.create(controls=1)
    before = read(site.desired(uid, host)["document"])
    sent = {"profiles": [{"uid": site.profile, "packValues": [], "variables": [{"name": "site", "value": "south"}]}]}
    sent["spcApplySettings"] = {"actionType": "DownloadAndInstall"}  # type: ignore[assignment]
    params = {"resolveNotification": "true"}
    assert admin.patch(of(wire.PROFILES, uid), json=sent, params=params).status_code == 204
    assert site.get(uid)["status"]["spcApply"]["canBeApplied"] is True
    after = read(site.desired(uid, host)["document"])
    assert after.digest != before.digest and after.generation == before.generation + 1
    (row,) = admin.get(of(wire.VARIABLES, uid)).raise_for_status().json()
    values = {item["name"]: item["value"] for item in row["variables"]}
    assert values == {"site": "south", "password": "********"}
    change = [{"profileUid": site.profile, "variables": [{"name": "password", "value": "********"}]}]
    assert admin.patch(of(wire.VARIABLES, uid), json=change).status_code == 204
    assert CANARY in str(site.desired(uid, host)["slice"]), "a covered value that comes back is the stored one"
    assert read(site.desired(uid, host)["document"]).digest == after.digest

    moved = infrastructure()
    layer = moved["spec"]["template"]["packs"][1]
    layer["values"] = layer["values"].replace("100.64.0.0/18", "100.65.0.0/18")
    swap = {"profiles": [{"uid": publish(admin, moved), "replaceWithProfile": site.profile, "packValues": []}]}
    refused = admin.patch(of(wire.PROFILES, uid), json=swap)
    assert refused.status_code == 422 and "The network of pods never changes" in refused.json()["message"]

    newer = publish(admin, infrastructure())
    swap = {"profiles": [{"uid": newer, "replaceWithProfile": site.profile, "packValues": []}]}
    assert admin.patch(of(wire.PROFILES, uid), json=swap).status_code == 204
    assert [item["uid"] for item in site.get(uid)["spec"]["clusterProfileTemplates"]] == [newer]
    assert admin.delete(of(protocol.PROFILE, site.profile)).status_code == 204, "it is not in use any more"
    none = admin.request("DELETE", of(wire.PROFILES, uid), json={"profileUids": [newer]})
    assert (none.status_code, none.json()["code"]) == (422, "NoKubernetes")

    allocation = {"resourceAllocation": {"cpuCores": 1.5, "memoryMiB": 512}}
    spaces = {"namespaces": [{"metadata": {"name": "tills"}, "spec": allocation}]}
    assert admin.put(of(wire.NAMESPACES, uid), json=spaces).status_code == 204
    subjects = [{"type": "User", "name": "ana"}]
    role = {"kind": "ClusterRole", "name": "view"}
    binding = {"type": "RoleBinding", "namespace": "tills", "role": role, "subjects": subjects}
    bodies = {"rbacs": [{"metadata": {"name": "viewers"}, "spec": {"bindings": [binding]}}]}
    assert admin.put(of(wire.RBACS, uid), json=bodies).status_code == 204
    layers = {layer.name: layer for layer in read(site.desired(uid, host)["document"]).layers}
    content = site.agents[host].get(f"{protocol.BLOBS}/{layers['cluster-resources'].content[0]}").json()
    assert [item["kind"] for item in content] == ["Namespace", "ResourceQuota", "RoleBinding"]
    assert content[1]["spec"]["hard"] == {"requests.cpu": "1500m", "requests.memory": "512Mi"}
    (shown,) = admin.get(of(wire.NAMESPACES, uid)).json()["items"]
    one = of(wire.NAMESPACE, uid, namespaceUid=shown["metadata"]["uid"])
    assert admin.get(one).json()["spec"]["resourceAllocation"]["cpuCores"] == 1.5
    bare = {"rbacs": [{"metadata": {"name": "viewers"}, "spec": {"bindings": [{**binding, "subjects": []}]}}]}
    wrong = admin.put(of(wire.RBACS, uid), json=bare)
    assert wrong.status_code == 422 and "needs at least one subject" in wrong.json()["message"]


def test_certificates_and_repave(site: Site) -> None:
    admin, host = site.admin, site.hosts[3]
    pools = [site.pool("cp-pool", [host], True)]
    uid = site.create(site.body(machinepoolconfig=pools))
    listed = [{"name": "apiserver", "node": "n1", "notAfter": "2027-01-01T00:00:00Z"},
              {"name": "etcd-server", "node": "n1", "notAfter": "2027-01-01T00:00:00Z"}]  # fmt: skip
    assert site.observe(uid, host, 1, certificates=listed).status_code == 204
    (machine,) = admin.get(of(wire.CERTIFICATES, uid)).json()["machineCertificates"]
    assert [(item["name"], item["certificates"][0]["name"]) for item in machine["certificateAuthorities"]] == [
        ("ca", "apiserver"),
        ("etcd-ca", "etcd-server"),
    ]
    assert admin.get(of(wire.REPAVE_STATUS, uid)).json()["status"]["state"] == "Approved"
    assert admin.patch(of(wire.REPAVE_APPROVE, uid)).status_code == 204
    config = site.get(uid)["spec"]["cloudConfigRef"]["uid"]
    fixed = {"clusterConfig": {"controlPlaneEndpoint": {"host": site.address(201), "type": "VIP"}}}
    refused = admin.put(protocol.path(wire.CLUSTER_CONFIG, configUid=config), json=fixed)
    assert (refused.status_code, refused.json()["code"]) == (409, "Fixed")
    times = {"clusterConfig": {"ntpServers": ["ntp.example"]}}
    assert admin.put(protocol.path(wire.CLUSTER_CONFIG, configUid=config), json=times).status_code == 204
    assert read(site.desired(uid, host)["document"]).host_settings.ntp == ("ntp.example",)
    last = protocol.path(wire.POOL, configUid=config, machinePoolName="cp-pool")
    empty = admin.put(last, json=site.pool("cp-pool", [], True))
    assert (empty.status_code, empty.json()["code"]) == (409, "QuorumGuard")


def test_terraform_destroys_cluster_profile_and_hosts(hub: RunningHub) -> None:
    site = Site(hub, 1)
    admin, host = site.admin, site.hosts[0]
    uid = site.create(controls=1)
    formed(site, uid)
    early = admin.delete(of(protocol.PROFILE, site.profile))
    assert early.json()["code"] == "ProfileInUse"
    assert admin.get(of(wire.CLUSTER, uid), params=_QUERY).status_code == 200
    assert admin.delete(of(wire.CLUSTER, uid)).status_code == 204
    assert site.get(uid)["status"]["state"] == "Deleting", "the client waits"
    assert site.leave(uid, host).status_code == 204
    assert site.get(uid)["status"]["state"] == "Deleted"
    assert admin.get(of(protocol.PROFILE, site.profile)).status_code == 200
    for path, name in ((protocol.PROFILE, site.profile), (protocol.HOST, host)):
        assert admin.delete(of(path, name)).status_code == 204
        assert admin.get(of(path, name)).json()["code"] == "ResourceNotFound"
