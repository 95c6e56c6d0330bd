"""Hosts, profiles and bodies of clusters for tests."""

from __future__ import annotations

import itertools
from typing import Any

import httpx

from edgewright.hub.packs.index import BUILTIN
from edgewright.packs import catalogue
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.people import project as new_project
from tests.hub.people import unique
from tests.hub_fixture import RunningHub

TREE = "tree:\n  ref: registry.example/tree:1.36.3\n  digest: sha256:" + "ab" * 32 + "\n"
NET = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: net\n  namespace: kube-system\n"
SHOP = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\nstringData:\n"
    "  password: '{{.spectro.var.password}}'\n  site: '{{.spectro.var.site}}'\n"
)
CANARY = "canary-7f3a-of-the-shop"
"""A masked value that must be nowhere but in the sealed tables and in a control plane's part of the document."""
NETWORKS = "cluster:\n  config:\n    clusterConfiguration:\n      networking:\n        podSubnet: 100.64.0.0/18\n"
NETWORKS += "        serviceSubnet: 100.64.64.0/18\n"
_SUBNETS = itertools.count(10)


def pack(name: str, version: str, layer: str, values: str) -> dict[str, Any]:
    """Return a pack of the built-in catalogue."""
    uid = catalogue.uid(BUILTIN, name, version)
    return {"name": name, "tag": version, "uid": uid, "registryUid": BUILTIN, "type": "spectro", "layer": layer,
            "values": values, "manifests": []}  # fmt: skip


def manifests(name: str, layer: str, content: str) -> dict[str, Any]:
    """Return a layer with manifests of its own."""
    parts = [{"name": name, "content": content}]
    return {"name": name, "type": "manifest", "layer": layer, "manifests": parts, "values": ""}


def infrastructure(name: str = "", tree: str = TREE) -> dict[str, Any]:
    """Return the body of a full profile: kubeadm, a network of manifests, an application with a masked variable."""
    packs = [
        pack("edge-native-byoi", "1.0.0", "os", "options:\n  system.uri: registry.example/os:1\n"),
        pack("edge-k8s", "1.36.3", "k8s", tree + NETWORKS),
        manifests("net", "cni", NET),
        manifests("shop", "addon", SHOP),
    ]
    variables = [
        {"name": "site", "defaultValue": "north"},
        {"name": "password", "isSensitive": True, "required": True},
    ]
    template = {"type": "cluster", "cloudType": "edge-native", "packs": packs}
    meta = {"name": name or unique("infra")}
    return {"metadata": meta, "spec": {"version": "1.0.0", "template": template, "variables": variables}}


def publish(client: httpx.Client, body: dict[str, Any] | None = None) -> str:
    """Create and publish a profile; returns its uid."""
    made = client.post(protocol.PROFILES, json=body or infrastructure(), params={"publish": "true"})
    assert made.status_code == 201, made.text
    return str(made.json()["uid"])


class Site:
    """A project with a profile and hosts, and what their agents would do."""

    def __init__(self, hub: RunningHub, hosts: int = 3, project: str = "", **marks: Any) -> None:
        self.hub, self.marks = hub, marks
        self.project = project or new_project(hub)
        self.admin = hub.client(ApiKey=hub.admin_key, ProjectUid=self.project)
        body = {"metadata": {"name": unique("t")}, "spec": {"defaultProjectUid": self.project}}
        uid = hub.client().post(protocol.TOKENS, json=body).json()["uid"]
        self.token = hub.client().get(f"{protocol.TOKENS}/{uid}").json()["spec"]["token"]
        self.net = next(_SUBNETS)
        self.profile = publish(self.admin)
        self.agents: dict[str, httpx.Client] = {}
        self.hosts = [self.add_host(number) for number in range(1, hosts + 1)]

    def add_host(self, number: int, healthy: bool = True, **marks: Any) -> str:
        """Register a host with one network card; returns its uid."""
        uid = unique(f"host{number}")
        agent = self.hub.host(uid, self.token, **{**self.marks, **marks})
        nic = {"nicName": "eth0", "ip": self.address(number), "subnet": "255.255.255.0", "isDefault": True}
        device = {"archType": "amd64", "cpu": {"cores": 4}, "memory": {"sizeInMB": 8192}, "nics": [nic]}
        document = {"metadata": {"uid": uid}, "spec": {"device": device, "edgewright": {**self.marks, **marks}}}
        assert agent.put(protocol.path(protocol.HOST, uid=uid), json=document).status_code == 204
        if healthy:
            beat = {"state": "healthy", "agentVersion": "0.1.0", "edgewright": {"seq": 1, "bootId": "b"}}
            assert agent.patch(protocol.path(protocol.HOST_HEALTH, uid=uid), json=beat).status_code == 204
        self.agents[uid] = agent
        return uid

    def report_documents(self, uid: str, documents: list[dict[str, Any]]) -> None:
        """Send facts with the documents that the agent of a host has."""
        number = list(self.agents).index(uid) + 1
        nic = {"nicName": "eth0", "ip": self.address(number), "subnet": "255.255.255.0", "isDefault": True}
        spec = {"device": {"archType": "amd64", "nics": [nic]}, "edgewright": {"documents": documents}}
        answer = self.agents[uid].put(
            protocol.path(protocol.HOST, uid=uid), json={"metadata": {"uid": uid}, "spec": spec}
        )
        assert answer.status_code == 204, answer.text

    def address(self, number: int) -> str:
        """Return an address of the site's network."""
        return f"10.77.{self.net}.{number}"

    def body(self, name: str = "", controls: int = 1, workers: int = 0, **changes: Any) -> dict[str, Any]:
        """Return the body of a create as the Terraform provider sends it."""
        pools = [self.pool("cp-pool", self.hosts[:controls], True)]
        if workers:
            pools.append(self.pool("worker-pool", self.hosts[controls : controls + workers], False))
        spec: dict[str, Any] = {
            "cloudConfig": {"controlPlaneEndpoint": {"host": self.address(200), "type": "VIP"}, "ntpServers": []},
            "machinepoolconfig": pools,
            "profiles": [{"uid": self.profile, "packValues": [],
                          "variables": [{"name": "password", "value": CANARY}, {"name": "site", "value": "berlin"}]}],
            "policies": {},
            "clusterConfig": {"clusterMetaAttribute": "", "resources": {"namespaces": [], "rbacs": []}, "timezone": ""},
        }  # fmt: skip
        zero = "0001-01-01T00:00:00.000Z"
        meta = {"name": name or unique("c"), "uid": "", "labels": {"env": "spectro__tag"}, "creationTimestamp": zero}
        return {"metadata": {**meta, "annotations": {"description": ""}}, "spec": {**spec, **changes}}

    def pool(self, name: str, hosts: list[str], controls: bool, **config: Any) -> dict[str, Any]:
        """Return a pool as the Terraform provider sends it."""
        listed = [{"hostUid": uid, "hostName": uid, "nic": {"dns": None}} for uid in hosts]
        settings = {"name": name, "size": len(hosts), "labels": ["control-plane" if controls else "worker"]}
        settings |= {"isControlPlane": controls, "useControlPlaneAsWorker": controls, "taints": [],
                     "updateStrategy": {"type": "RollingUpdateScaleOut"}, "additionalLabels": {}}  # fmt: skip
        return {"cloudConfig": {"edgeHosts": listed}, "poolConfig": {**settings, **config}}

    def create(self, body: dict[str, Any] | None = None, **named: Any) -> str:
        """Create a cluster; returns its uid."""
        made = self.admin.post(wire.CREATE, json=body or self.body(**named))
        assert made.status_code == 201, made.text
        return str(made.json()["uid"])

    def get(self, uid: str) -> dict[str, Any]:
        """Return a cluster."""
        answer = self.admin.get(protocol.path(wire.CLUSTER, uid=uid))
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def desired(self, uid: str, host: str) -> dict[str, Any]:
        """Return what the agent of a host gets for a cluster."""
        answer = self.agents[host].get(protocol.path(wire.DESIRED, uid=uid))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def report(self, uid: str, host: str, **values: Any) -> httpx.Response:
        """Send what a host reports of itself in a cluster."""
        return self.agents[host].put(protocol.path(wire.HOST_STATE, uid=uid), json=values)

    def observe(self, uid: str, host: str, transitions: int = 0, **values: Any) -> httpx.Response:
        """Send what a leader reports of a cluster: by default that it is formed and all of its nodes are ready."""
        members = self.desired(uid, host)["document"]["members"]
        nodes = [{"name": member["nodeName"], "ready": True, "version": "v1.36.3"} for member in members]
        proof = {"at": "2026-11-28T22:00:00Z", "caSpkiSha256": "cd" * 32, "kubeSystemUid": "0" * 36}
        body = {"leaseTransitions": transitions, "nodes": nodes, "bootstrap": proof, **values}
        return self.agents[host].put(protocol.path(wire.OBSERVED, uid=uid), json=body)

    def members(self, uid: str) -> list[dict[str, Any]]:
        """Return the members of a cluster's document."""
        document = self.admin.get(protocol.path(wire.DESIRED, uid=uid)).raise_for_status().json()["document"]
        members: list[dict[str, Any]] = document["members"]
        return members

    def forget(self, uid: str, host: str) -> httpx.Response:
        """Declare a host of a cluster lost."""
        return self.admin.post(protocol.path(wire.FORGET, uid=uid), json={"hostUid": host})

    def leave(self, uid: str, host: str) -> httpx.Response:
        """Confirm that a host has left."""
        members = self.desired(uid, host)["document"]["members"]
        own = next(member for member in members if member["hostUid"] == host)
        return self.report(uid, host, released=own["releaseId"])
