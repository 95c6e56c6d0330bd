"""Bad clusters: layer, path, a sentence that names the object, and the next step."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from edgewright.core.clusters.document import as_json, read
from edgewright.core.clusters.model import ClusterDocument
from edgewright.core.clusters.validate import HostFacts, problems
from tests.core.clusters.documents import DONE, body, document, member, sha

FACTS = {
    f"host-{n}": HostFacts(
        f"edge-{n}", machine_id=f"{n:032x}", subnets={"eth0": ("10.66.0.0/24",)}, architecture="amd64"
    )
    for n in range(1, 9)
}


def changed(path: str, value: Any, control_planes: int = 3, workers: int = 1) -> ClusterDocument:
    result = copy.deepcopy(body(control_planes, workers))
    place: Any = result
    *parents, last = path.split(".")
    for parent in parents:
        place = place[int(parent)] if parent.isdigit() else place[parent]
    if last.isdigit():
        place[int(last)] = value
    else:
        place[last] = value
    return read(result)


def rows(
    doc: ClusterDocument, facts: dict[str, HostFacts] | None = None, **more: Any
) -> list[tuple[str, str, str, str]]:
    return [(p.severity, p.layer, p.path, p.message) for p in problems(doc, facts, **more)]


@pytest.mark.parametrize(("control_planes", "workers"), [(1, 0), (1, 1), (3, 0), (3, 4), (5, 1)])
def test_a_good_cluster_has_no_problem(control_planes: int, workers: int) -> None:
    assert problems(document(control_planes, workers), FACTS) == []


@pytest.mark.parametrize(
    ("path", "value", "code", "sentence"),
    [
        ("endpoint.host", "10.67.0.5", "VipOutsideSubnet",
         "The VIP 10.67.0.5 is outside of the network of edge-1 (10.66.0.0/24)"),
        ("endpoint.host", "10.66.0.12", "VipInUse", "The VIP 10.66.0.12 is the address of edge-2"),
        ("endpoint.host", "api.kiel.example", "EndpointKind", "The VIP api.kiel.example is not an address"),
        ("endpoint.host", "224.0.0.1", "VipAddress", "The VIP 224.0.0.1 is not an address of a site"),
        ("endpoint.kind", "dns", "EndpointKind", "10.66.0.100 is an address, not a DNS name"),
        ("endpoint.port", 8443, "EndpointPort", "A VIP leads to the API servers, which listen on 6443, not on 8443"),
        ("endpoint.nic", "eth7", "NoInterface", "edge-1 has no interface eth7"),
        ("members.1.address", "10.66.0.11", "AddressTwice", "edge-1 and edge-2 have the same address 10.66.0.11"),
        ("members.1.nodeName", "n1", "NodeNameTwice", "The hosts host-1 and host-2 have the same node name n1"),
        ("members.1.hostUid", "host-1", "HostTwice", "edge-1 is listed twice"),
        ("members.1.pool", "other", "NoPool", "edge-2 is in the pool other, which is not there"),
        ("members.1.pool", "workers", "PoolRoles", "The pool workers has control planes and workers"),
        ("members.1.state", "absent", "NoReleaseId", "edge-2 is absent without a release id, so it does not leave"),
        ("members.1.releaseId", "r1", "ReleaseId", "edge-2 has a release id but is present"),
        ("members.1.lost", True, "Lost", "edge-2 is declared lost but is present"),
        ("members", [], "NoHosts", "The cluster has no hosts"),
        ("members", [member(1, "worker", pool="workers")], "NoControlPlane", "The cluster has no control plane"),
        ("bootstrap.initHostUid", "host-9", "InitHost", "host-9 is not a host of the cluster"),
        ("bootstrap.initHostUid", "host-4", "InitHost", "edge-4 is not a control plane"),
        ("pools.1.name", "control-planes", "NameTwice", "control-planes is there twice"),
        ("layers.1.name", "cni", "NameTwice", "cni is there twice"),
        ("layers.1.release", "", "NoRelease", "A chart needs the name of its release and a namespace"),
        ("layers.0.content", [], "NoContent", "The layer has no content"),
        ("images.0.layer", "gone", "NoLayer",
         "The image registry.k8s.io/pause:3.10 belongs to the layer gone, which is not there"),
        ("network.podCidr", "10.96.4.0/24", "CidrOverlap", "10.96.0.0/12 overlaps 10.96.4.0/24 (podCidr)"),
        ("network.podCidr", "10.66.0.0/16", "CidrOverlap", "10.66.0.0/16 contains the VIP 10.66.0.100"),
        ("network.podCidr", "10.244.1.0/16", "Cidr", "10.244.1.0/16 is not a network"),
        ("kubernetes.version", "v1.30.1", "VersionTooOld",
         "v1.30.1 is too old: configurations are written for 1.31 and later"),
        ("simulated", True, "Simulated", "edge-1 is real, the cluster is simulated"),
    ],
)  # fmt: skip
def test_bad_input(path: str, value: Any, code: str, sentence: str) -> None:
    bad = [problem for problem in problems(changed(path, value), FACTS) if problem.code == code]
    assert [problem.message for problem in bad][:1] == [sentence]
    assert all(problem.hint for problem in bad)
    assert all(problem.path for problem in bad)


@pytest.mark.parametrize(
    ("facts", "code", "sentence"),
    [
        ({"healthy": False}, "HostUnhealthy", "edge-2 is unhealthy"),
        ({"observed_only": True, "healthy": False}, "NoAgent", "edge-2 is observed by SSH only and has no agent"),
        ({"simulated": True}, "Simulated", "edge-2 is simulated, the cluster is real"),
        ({"cluster": "lubeck"}, "HostInUse", "edge-2 belongs to the cluster lubeck"),
        ({"machine_id": f"{1:032x}"}, "MachineIdTwice", "edge-1 and edge-2 have the same machine-id"),
        ({"architecture": "arm64"}, "Architectures", "The hosts have different architectures: amd64, arm64"),
    ],
)
def test_hosts_that_cannot_be_members(facts: dict[str, Any], code: str, sentence: str) -> None:
    known = {**FACTS, "host-2": FACTS["host-2"]._replace(**facts)}
    (bad,) = problems(document(), known)
    assert (bad.severity, bad.code, bad.message) == ("error", code, sentence)


def test_members_are_not_judged_again_by_their_health() -> None:
    known = {**FACTS, "host-2": FACTS["host-2"]._replace(healthy=False)}
    assert problems(document(3, 1), known, before=document()) == []


def test_a_copy_of_a_member_cannot_join() -> None:
    first = document(1)
    copied = {**FACTS, "host-2": FACTS["host-2"]._replace(machine_id=FACTS["host-1"].machine_id)}
    members = (*first.members, dataclasses.replace(document(1, 1).members[1], host_uid="host-2"))
    (bad,) = problems(dataclasses.replace(document(1, 1), members=members), copied, before=first)
    assert (bad.code, bad.path) == ("MachineIdTwice", "members[1].hostUid")
    assert bad.message == "edge-1 and edge-2 have the same machine-id"
    assert problems(first, copied, before=first) == [], "who is there already is not judged again"


def test_even_numbers_of_control_planes() -> None:
    assert rows(document(2))[0][0] == "error"
    formed: dict[str, Any] = {"bootstrap": {"initHostUid": "host-1", "done": DONE}}
    assert rows(document(2, **formed))[0][0] == "warning"
    (row,) = rows(document(4))
    assert row == ("warning", "", "members", "4 control planes survive no more failures than 3: 1")
    assert rows(document(8))[0][3] == "8 control planes slow every write of etcd; 7 are allowed"


def test_a_distribution_that_is_not_proven_is_a_warning() -> None:
    (row,) = rows(changed("kubernetes.distribution", "k3s"))
    assert row[0] == "warning" and "k3s is not proven here" in row[3]


def test_what_never_changes() -> None:
    first = document(3, 1)
    other = body(3, 1)
    other["network"] = {"podCidr": "10.245.0.0/16", "serviceCidr": "10.97.0.0/16"}
    other["members"][0]["address"] = "10.66.0.77"
    other["members"][1]["nodeName"] = "m2"
    other["members"][3]["role"] = "control-plane"
    other["bootstrap"] = {"initHostUid": "host-2"}
    del other["members"][2]
    codes = [problem.path for problem in problems(read(other), before=first) if problem.code == "Unchangeable"]
    assert codes == [
        "network.podCidr", "network.serviceCidr", "bootstrap.initHostUid",
        "members[0].address", "members[1].nodeName", "members[2].role",
    ]  # fmt: skip
    missing = [problem.message for problem in problems(read(other), before=first) if problem.code == "MemberMissing"]
    assert missing == ["n3 is missing; a host never leaves by its absence from the document"]
    recovered = {**body(3, 1), "bootstrap": {"initHostUid": "host-2", "epoch": 2}}
    assert problems(read(recovered), before=first) == []


def test_a_digest_that_is_not_that_of_the_content() -> None:
    (row,) = problems(dataclasses.replace(document(), digest=sha("other")))
    assert (row.code, row.path) == ("DigestMismatch", "digest")


def test_the_deletion_of_a_cluster_is_valid() -> None:
    absent = body(3, 1)
    for entry in absent["members"]:
        entry.update(state="absent", releaseId="r1")
    assert problems(read(absent), before=document(3, 1)) == []
    assert as_json(read(absent))["members"][0]["releaseId"] == "r1"
