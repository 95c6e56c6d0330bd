"""Bad input of clusters through API and command line: one sentence with the object and the next step, nothing stored.

What only a host notices is in `tests/agent/clusters/test_bad_hosts.py`; here is how such a sentence is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.cli_support import Cli
from tests.hub.clusters.plane import NET, Site, infrastructure, manifests, publish
from tests.hub_fixture import RunningHub

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
"""Some twenty processes."""
FREE, TAKEN = "free", "taken"
"""Names of clusters: one that nobody has, and one that there is."""


class Bad(NamedTuple):
    """One mistake: control planes by their number or name, what API and command line answer."""

    hosts: tuple[Any, ...]
    code: str
    sentence: str
    status: int = 422
    exit_code: int = 7
    vip: int | str = 200
    profile: str = "good"
    name: str = FREE


BAD = {
    "VIP of a host": Bad((1,), "VipInUse", "is the address of {1}. Choose an address that nothing uses.", vip=1),
    "VIP outside the subnet": Bad(
        (1,), "VipOutsideSubnet", "The VIP 192.0.2.1 is outside of the network of {1}", vip="192.0.2.1"
    ),
    "two control planes": Bad((1, 2), "TwoControlPlanes", "etcd has no quorum as soon as one of them fails. Use"),
    "a host twice": Bad((1, 1), "HostTwice", "The host '{1}' is named twice in the pool 'cp'; remove one."),
    "unhealthy host": Bad(("sick",), "HostUnhealthy", "{sick} is unhealthy. See host show for the reason."),
    "observed host": Bad(("watched",), "NoAgent", "{watched} is observed by SSH only and has no agent. Install the"),
    "simulated host beside a real one": Bad((1, 2, "unreal"), "Simulated", "{1} is real, the cluster is simulated."),
    "machine-id twice": Bad((1, "copy", "copied"), "MachineIdTwice", "have the same machine-id. One disk is a copy"),
    "host in use": Bad(("used",), wire.E_IN_USE, "{used} belongs to the cluster taken. Release it there", 409, 6),
    "name taken": Bad((1,), wire.E_DUPLICATE, "A cluster named 'taken' exists already", 409, 6, name=TAKEN),
    "no Kubernetes layer": Bad((1,), "NoKubernetes", "have no Kubernetes layer. Attach a full or", profile="bare"),
}  # fmt: skip


class Plane(NamedTuple):
    """A site with hosts of each kind and two profiles; `uid` is the cluster that has the name and host in use."""

    site: Site
    hosts: dict[Any, str]
    profiles: dict[str, str]
    uid: str


@pytest.fixture(scope="module")
def ready(hub: RunningHub) -> Iterator[Plane]:
    default = hub.client().get(protocol.PROJECTS_METADATA).json()["items"][0]["metadata"]["uid"]
    site = Site(hub, 3, project=default)
    hosts: dict[Any, str] = dict(enumerate(site.hosts, 1))
    hosts["used"] = hosts.pop(3)
    hosts["sick"], hosts["watched"] = site.add_host(30, healthy=False), site.add_host(31, observed=True)
    hosts["unreal"] = site.add_host(32, simulated=True)
    for number, name in ((33, "copy"), (34, "copied")):
        hosts[name] = site.add_host(number, hardware={"machine": "c" * 32})
    addon = {"metadata": {"name": "bare"}, "spec": {"version": "1.0.0", "template": {
        "type": "add-on", "cloudType": "edge-native", "packs": [manifests("net", "addon", NET)]}}}  # fmt: skip
    profiles = {"good": publish(site.admin, infrastructure("good")), "bare": publish(site.admin, addon)}
    site.profile = profiles["good"]
    uid = site.create(site.body(name=TAKEN, machinepoolconfig=[site.pool("cp", [hosts["used"]], True)]))
    yield Plane(site, hosts, profiles, uid)


def body_of(ready: Plane, bad: Bad) -> dict[str, Any]:
    site, uids = ready.site, [ready.hosts[host] for host in bad.hosts]
    vip = bad.vip if isinstance(bad.vip, str) else site.address(bad.vip)
    variables = [{"name": "password", "value": "x"}] if bad.profile == "good" else []
    return site.body(
        name=bad.name,
        machinepoolconfig=[site.pool("cp", uids, True)],
        cloudConfig={"controlPlaneEndpoint": {"host": vip, "type": "VIP"}},
        profiles=[{"uid": ready.profiles[bad.profile], "variables": variables}],
    )


def file_of(ready: Plane, bad: Bad, folder: Path) -> str:
    hosts = [ready.hosts[host] for host in bad.hosts]
    vip = bad.vip if isinstance(bad.vip, str) else ready.site.address(bad.vip)
    profile: dict[str, Any] = {"name": bad.profile}
    if bad.profile == "good":
        profile["variables"] = {"password": "x"}
    pools = [{"name": "cp", "role": "control-plane", "works": True, "hosts": hosts}]
    answers = {"profiles": [profile], "vip": vip, "pools": pools}
    path = folder / "cluster.yaml"
    document = {"apiVersion": "edgewright/v1", "kind": "Cluster", "metadata": {"name": bad.name}, "answers": answers}
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return str(path)


def named(ready: Plane, text: str) -> str:
    for key, uid in ready.hosts.items():
        text = text.replace(f"{{{key}}}", uid)
    return text


@pytest.mark.parametrize("case", BAD)
def test_it_is_refused_by_both_with_the_same_sentence(ready: Plane, plane: Cli, case: str, tmp_path: Path) -> None:
    bad, site = BAD[case], ready.site
    sentence = named(ready, bad.sentence)
    before = site.admin.get(wire.NAMES).json()
    made = site.admin.post(wire.CREATE, json=body_of(ready, bad))
    assert made.status_code == bad.status and made.json()["code"] == bad.code, made.text
    listed = site.admin.post(wire.VALIDATE, json=body_of(ready, bad)).raise_for_status().json()
    rows = [*listed["machinePools"]["results"], *(row for p in listed["profiles"] for row in p["packs"]["results"])]
    messages = " ".join(error["message"] for row in rows for error in row["errors"])
    assert sentence in messages, messages
    answer = plane("cluster", "create", file_of(ready, bad, tmp_path), "--yes")
    assert answer.code == bad.exit_code and sentence in answer.err, answer.err
    assert len(answer.err.strip().splitlines()) == 1 and answer.out == ""
    assert site.admin.get(wire.NAMES).json() == before, "nothing is stored"
    good = body_of(ready, Bad((1,), "", ""))
    assert site.admin.post(wire.VALIDATE, json=good).json()["machinePools"]["results"] == [], "and nothing is claimed"


def test_what_a_host_notices_is_shown_by_both(ready: Plane, plane: Cli) -> None:
    site, host, uid = ready.site, ready.hosts["used"], ready.uid
    text = "preflight: 10.77.0.200 is in use by 02:00:00:00:00:07. Choose a free address."
    place = {"lineage": "", "generation": 1, "digest": "d" * 64}
    failed = {"step": "cluster-c0ffee-preflight-1", "error": text, "attempt": 1}
    document = {"uid": uid, "kind": "cluster", "name": TAKEN, "wanted": place, "failed": failed}
    site.agents[host].put(protocol.path(protocol.HOST, uid=host), json={
        "metadata": {"uid": host}, "spec": {"edgewright": {"documents": [document]}}}).raise_for_status()  # fmt: skip
    step = {"step": "cluster-c0ffee-preflight-1", "n": 1, "of": 9, "since": "2026-11-28T22:00:00Z", "attempt": 1}
    step |= {"waitingFor": "operator", "errorClass": "permanent"}
    beat = {"state": "healthy", "edgewright": {"seq": 2, "bootId": "b", "progress": step}}
    path = protocol.path(protocol.HOST_HEALTH, uid=host)
    assert site.agents[host].patch(path, json=beat).status_code == 204
    shown = site.admin.get(protocol.path(wire.OVERVIEW, uid=uid)).json()["status"]["edgewright"]
    assert text in shown["checklist"][0]["sentence"] and "host retry" in shown["checklist"][0]["sentence"]
    printed = plane("cluster", "show", TAKEN)
    assert printed.code == 0 and "10.77.0.200 is in use by 02:00:00:00:00:07" in printed.out and "retry" in printed.out


def test_a_host_that_disappears_and_the_kubeconfig_of_a_deleted_cluster(ready: Plane, plane: Cli) -> None:
    site, host, uid = ready.site, ready.hosts["used"], ready.uid
    gone = site.admin.delete(protocol.path(protocol.HOST, uid=host))
    assert gone.status_code == 409 and TAKEN in gone.json()["message"], "its record stays while the cluster has it"
    assert plane("cluster", "delete", TAKEN, "--yes").code == 0
    assert site.leave(uid, host).status_code == 204
    answer = site.admin.get(protocol.path(wire.KUBECONFIG_CLIENT, uid=uid))
    assert answer.status_code == 404 and "is deleted, and its kubeconfig with it" in answer.json()["message"]
    printed = plane("cluster", "kubeconfig", uid)
    assert printed.code == 3 and "is deleted, and its kubeconfig with it" in printed.err
    assert site.create(site.body(name=TAKEN, machinepoolconfig=[site.pool("cp", [host], True)])) != uid
