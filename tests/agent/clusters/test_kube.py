"""Kubernetes on a host: configuration is from the document, no second cluster is formed, nothing foreign is removed."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edgewright.agent.clusters import gather, paths
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.kube import configuration, discovery, init, joining, labels, leading, own_node
from edgewright.agent.clusters.kube.api import Api, read_kubeconfig
from edgewright.agent.clusters.kube.certificate import spki_sha256
from edgewright.agent.clusters.kube.etcd import EtcdMember, read_members
from edgewright.agent.clusters.kube.reset import removals
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters import join, model, observed, quorum, steps
from edgewright.core.clusters.actions import Action
from edgewright.core.clusters.observed import Peer
from edgewright.core.clusters.planning.judge import judge
from edgewright.core.errors import Failed, InvalidInput, Refused, Unreachable
from tests.agent.clusters.support import SECRET, FakeHost, cluster, context


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


@pytest.mark.parametrize(
    ("registration", "reason"),
    [
        ({"kubeletExtraArgs": ["node-labels=a=b"]}, "entry without name and value"),
        ({"kubeletExtraArgs": "v=4"}, "entry without name and value"),
        ({"ignorePreflightErrors": "Swap"}, "not a list"),
        ({"ignorePreflightErrors": 5}, "not a list"),
    ],
)
def test_what_a_layer_has_in_another_shape_is_refused_with_a_sentence(
    registration: dict[str, Any], reason: str
) -> None:
    config = {"initConfiguration": {"nodeRegistration": registration}}
    document = cluster(kubernetes=model.Kubernetes("kubeadm", "v1.36.3", config))
    with pytest.raises(InvalidInput, match=reason):
        configuration.init_documents(document, document.members[0])


def test_the_configuration_of_init_is_the_document_and_what_its_layer_adds() -> None:
    config = {
        "clusterConfiguration": {"clusterName": "other", "apiServer": {"certSANs": ["api.example"], "extraArgs": []}},
        "initConfiguration": {"nodeRegistration": {"ignorePreflightErrors": ["Swap"], "name": "other"}},
        "kubeletConfiguration": {"maxPods": 20}, "kubeProxyConfiguration": {"mode": "nftables"},
        "patches": {"etcd+json.json": [{"op": "add"}]},
    }  # fmt: skip
    document = cluster(kubernetes=model.Kubernetes("kubeadm", "v1.36.3", config))
    first, second, kubelet, proxy = configuration.init_documents(document, document.members[0], ["Port-6443"])
    node = first["nodeRegistration"]
    assert (node["name"], node["taints"], node["criSocket"]) == ("n1", [], f"unix://{paths.SOCKET}")
    assert node["kubeletExtraArgs"] == [
        {"name": "node-ip", "value": "10.0.0.11"}, {"name": "node-labels", "value": "edgewright.io/host=host-1"},
    ], "never the VIP"  # fmt: skip
    odd = dataclasses.replace(document.members[0], host_uid="no label: " + "x" * 80)
    extra = {item["name"]: item["value"] for item in configuration.registration(document, odd)["kubeletExtraArgs"]}
    assert extra["node-labels"].startswith("edgewright.io/host=uid-")
    mine = {
        "nodeRegistration": {"kubeletExtraArgs": [{"name": "node-labels", "value": "a=b"}, {"name": "v", "value": "2"}]}
    }
    document_ = cluster(kubernetes=model.Kubernetes("kubeadm", "v1.36.3", {"initConfiguration": mine}))
    given = configuration.init_documents(document_, document.members[0])[0]["nodeRegistration"]["kubeletExtraArgs"]
    assert {"name": "node-labels", "value": "a=b,edgewright.io/host=host-1"} in given and {
        "name": "v",
        "value": "2",
    } in given
    assert node["ignorePreflightErrors"] == ["Swap", "Port-6443"]
    assert first["localAPIEndpoint"]["advertiseAddress"] == "10.0.0.11" and "directory" in first["patches"]
    assert (second["clusterName"], second["controlPlaneEndpoint"]) == ("edge", "10.0.0.100:6443")
    assert second["apiServer"]["certSANs"] == ["api.example", "10.0.0.100", "127.0.0.1", "localhost"]
    assert second["networking"] == {"podSubnet": "10.244.0.0/16", "serviceSubnet": "10.96.0.0/16"}
    assert (kubelet["maxPods"], kubelet["kind"], proxy["mode"]) == (20, "KubeletConfiguration", "nftables")
    parts = configuration.render([first, second]).decode().split("\n---\n")
    assert [json.loads(part)["kind"] for part in parts] == ["InitConfiguration", "ClusterConfiguration"]


def test_a_joining_host_verifies_the_ca_and_only_a_control_plane_has_a_certificate_key() -> None:
    document = cluster(1, 1)
    (worker,) = configuration.join_documents(document, document.members[1], "a" * 6 + "." + "b" * 16, "sha256:1")
    assert worker["discovery"]["bootstrapToken"]["caCertHashes"] == ["sha256:1"] and "controlPlane" not in worker
    (plane,) = configuration.join_documents(document, document.members[0], "t", "", "key")
    assert plane["controlPlane"]["certificateKey"] == "key"
    assert plane["discovery"]["bootstrapToken"]["unsafeSkipCAVerification"] is True


def test_a_version_without_v1beta4_and_a_patch_outside_of_its_folder_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"v1\.30\.14 is older"):
        configuration.version_gate("v1.30.14")
    configuration.version_gate("v1.31.0")
    bad = model.Kubernetes("kubeadm", "v1.36.3", {"patches": {"../x": {}}})
    with pytest.raises(InvalidInput):
        configuration.patch_files(cluster(kubernetes=bad))


def test_the_hash_of_a_ca_is_that_of_its_public_key() -> None:
    pem, key = certificate()
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert spki_sha256(pem) == hashlib.sha256(spki).hexdigest()
    for text in ("", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", pem[:200]):
        with pytest.raises(Failed):
            spki_sha256(text)


def test_cluster_info_counts_with_the_signature_of_the_own_token_only(host: FakeHost) -> None:
    work = context(host)
    token = discovery.own_token(work)
    assert token == join.bootstrap_token(join.host_secret(bytes.fromhex(SECRET), "host-1"), 1)
    worker = context(host, cluster(1, 1), "host-2", host_secret=join.host_secret(bytes.fromhex(SECRET), "host-2").hex())
    assert discovery.own_token(worker) == discovery.member_token(context(host, cluster(1, 1)), worker.me)
    text = "kubeconfig"
    assert discovery.verified(text, signed(text, token), token)
    assert not discovery.verified(text + "x", signed(text, token), token)
    assert not discovery.verified(text, signed(text, token), discovery.own_token(worker))
    for signature in (signed(text, token, alg="none"), "..", "", "x.y.z"):
        assert not discovery.verified(text, signature, token)
    with pytest.raises(InvalidInput, match="does not have the secret"):
        discovery.cluster_secret(worker)


def test_no_host_forms_a_cluster_that_is_formed_or_is_not_its_to_form(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "ask", lambda work, other: Peer(api=False))
    document = cluster(3)
    assert init.may_not(context(host, document)) == ""
    assert "host-1 forms it" in init.may_not(context(host, document, "host-2"))
    done = model.Done("2026-01-01T00:00:00Z", "a" * 64, "0" * 36)
    formed = dataclasses.replace(document, bootstrap=model.Bootstrap("host-1", 1, done))
    assert "formed already" in init.may_not(context(host, formed))
    monkeypatch.setattr(init, "ask", lambda work, other: Peer(api=other.node_name == "n2"))
    assert "answers on 10.0.0.12 (n2)" in init.may_not(context(host, document))
    monkeypatch.setattr(init, "ask", lambda work, other: Peer(api=False))
    host.write(f"{paths.ETCD}/member/wal", b"")
    assert "data of another cluster" in init.may_not(context(host, document))
    host.write(init.ATTEMPT, json.dumps({"uid": document.uid, "epoch": 1, "attempt": 1}).encode())
    assert init.may_not(context(host, document)) == "", "what an own attempt left is continued"
    host.write(init.FORMED, json.dumps({"uid": document.uid, "epoch": 1}).encode())
    assert "this host has formed it" in init.may_not(context(host, document))
    with pytest.raises(Refused):
        init.Init().act(context(host, document))
    assert not host.ran("kubeadm"), "nothing was run"


def test_members_of_etcd_are_read_with_numbers_above_53_bits_and_learners_that_never_started() -> None:
    answer = {"members": [
        {"ID": "18446744073709551615", "name": "n1", "peerURLs": ["https://10.0.0.11:2380"]},
        {"ID": "7", "peerURLs": ["https://[fd00::2]:2380"], "isLearner": True},
    ]}  # fmt: skip
    first, second = read_members(answer)
    assert (first.id, first.address, first.started, first.learner) == (2**64 - 1, "10.0.0.11", True, False)
    assert (second.address, second.started, second.learner) == ("fd00::2", False, True)


def test_a_join_that_ended_before_its_learner_was_a_voter_is_finished(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [EtcdMember(8, "n2", ["https://10.0.0.12:2380"], True)]
    asked: list[str] = []

    class Fake:
        def __init__(self, host: FakeHost, address: str) -> None:
            self.address = address

        def members(self) -> list[EtcdMember]:
            return listed

        def promote(self, member: int) -> None:
            asked.append(f"{self.address} {member}")
            if len(asked) < 3:
                raise Failed("etcdserver: can only promote a learner member which is in sync with leader.")
            listed[0] = listed[0]._replace(learner=False)

    def judge(work: Any) -> tuple[Seen, str]:
        return Seen.NOT_DONE if listed[0].learner else Seen.DONE, "as observed"

    monkeypatch.setattr(joining, "Etcd", Fake)
    monkeypatch.setattr(joining, "judge", judge)
    monkeypatch.setattr(own_node, "waits_for_own", lambda context: "")
    host.write(paths.KUBELET_CONF, b"x")
    host.write(f"{paths.KUBELET}/config.yaml", b"x")
    work = context(host, cluster(2), "host-2")
    joining.JoinControlPlane().act(work)
    assert asked == ["10.0.0.11 8"] * 3, "voters are asked, never the learner, until one agrees"
    assert not host.ran("kubeadm") and joining.joined_here(work) == 1


@pytest.mark.parametrize("left", ["bootstrap-kubelet.conf", "pki/ca.crt", "manifests/etcd.yaml", "admin.conf", ""])
def test_a_join_begins_clean_wherever_the_attempt_before_ended(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    done: list[str] = []
    monkeypatch.setattr(joining, "reset_kubeadm", lambda work: done.append("reset"))
    monkeypatch.setattr(joining, "close_ports", lambda work: None)
    monkeypatch.setattr(joining, "until_ready", lambda work, control_plane: None)
    monkeypatch.setattr(joining.JoinWorker, "authority", lambda self, work: "ca")
    monkeypatch.setattr(joining.JoinWorker, "launch", lambda self, work, authority: done.append("join"))
    if left:
        host.write(f"{paths.KUBERNETES}/{left}", b"x")
    joining.JoinWorker().act(context(host, cluster(1, 1), "host-2"))
    assert done == (["reset", "join"] if left else ["join"]), "kubeadm refuses to join over files of another attempt"


def test_a_control_plane_whose_member_was_removed_asks_again_whether_it_is_admitted(host: FakeHost) -> None:
    work = context(host, cluster(2), "host-2")
    assert not gather.inside(work, True), "it has not joined"
    joining.note_joined_here(work)
    assert gather.inside(work, True) and not gather.inside(work, False)
    again = cluster(2)
    second = dataclasses.replace(again.members[1], join_epoch=2)
    assert not gather.inside(
        context(host, dataclasses.replace(again, members=(again.members[0], second)), "host-2"), True
    )


def test_an_init_that_was_interrupted_before_it_gave_the_administrator_rights_is_not_done(host: FakeHost) -> None:
    class Broken(Api):
        def __init__(self, problem: Exception) -> None:
            self.problem = problem

        def maybe(self, path: str) -> Any:
            raise self.problem

    work = context(host)
    assert gather.configured(work, Broken(Refused("forbidden"))) is False
    assert gather.configured(work, Broken(Unreachable("no answer"))) is None
    voter = quorum.EtcdMember("1", "n1", True, True, True, "10.0.0.11")
    api = observed.Api(etcd=(voter,), nodes=None, config_matches=False)
    seen = observed.Observed("host-1", observed.Local(etcd_epoch=1, api_ready=True), api)
    assert judge(Action(steps.INIT, "e1", {}), cluster(), seen).done is False, "it starts again"


def test_another_address_is_noticed_but_not_the_addresses_of_pods_or_a_host_without_any(host: FakeHost) -> None:
    lines: list[str] = []
    host.answers.append(lambda c: Ended(0, "".join(f"1: {line} scope global\n" for line in lines)))
    work = context(host)
    assert gather.moved_to(work) == "", "no address can be read: a link is down"
    lines += ["cni0    inet 10.244.0.1/24", "eth0    inet 10.0.0.100/32", "eth0    inet 10.0.0.77/24"]
    assert gather.moved_to(work) == "10.0.0.77"
    lines.append("eth1    inet 10.0.0.11/24")
    assert gather.moved_to(work) == ""


def test_the_role_of_a_node_is_set_also_when_kubeadm_was_interrupted_before_it_did() -> None:
    for number, role in ((1, "control-plane"), (2, "worker")):
        document = cluster(1, 1)
        given = own_node.labels_of(document, dataclasses.replace(document.members[number - 1], labels={"zone": "a"}))
        assert given == {"zone": "a", f"node-role.kubernetes.io/{role}": ""}
    k3s = cluster(1, 1, kubernetes=model.Kubernetes(model.K3S, "v1.32.9+k3s1", {}))
    assert own_node.labels_of(k3s, k3s.members[0]) == {}, "k3s labels it itself, with another value"


def test_the_label_of_a_host_is_its_uid_or_a_hash_that_members_are_known_by(host: FakeHost) -> None:
    odd = dataclasses.replace(cluster().members[0], host_uid="no label: " + "x" * 80)
    value = labels.label_value(odd.host_uid)
    assert len(value) == 44 and labels.label_value("edge-1") == "edge-1" and labels.label_value("ends-") != "ends-"
    assert labels.host_of(value, [odd]) == odd.host_uid and labels.host_of("edge-2", [odd]) == "edge-2"

    class Listing(Api):
        def __init__(self) -> None:
            """Connect to nothing."""

        def items(self, path: str, **query: str) -> list[dict[str, Any]]:
            return [{"metadata": {"name": "n1", "uid": "u", "labels": {labels.HOST_LABEL: value}}}]

    work = context(host, cluster(members=(odd,)), odd.host_uid)
    assert gather.nodes(work, Listing(), True)["n1"].host_uid == odd.host_uid
    known = {odd.host_uid: 1, "edge-2": 1}
    leading._drop(known, value)
    assert known == {"edge-2": 1}, "a Node that is left behind names its host by the label alone"


def test_a_join_ends_when_the_planner_takes_it_for_done(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each join is an attempt that failed, with a pause before the next look."""
    waits = ["the Node n1 is not ready", "", "x"]
    monkeypatch.setattr(joining, "judge", lambda context: (Seen.DONE, ""))
    monkeypatch.setattr(own_node, "waits_for_own", lambda context: waits.pop(0))
    joining.until_ready(context(host), True)
    assert waits == ["x"] and host.time == 1001
    joining.until_ready(context(host), True, ready=False)
    assert waits == ["x"], "on the first host the CNI comes afterwards"
    monkeypatch.setattr(own_node, "waits_for_own", lambda context: "the Node n1 is not ready")
    with pytest.raises(Failed, match="not complete: the Node n1 is not ready"):
        joining.until_ready(context(host), False)


def test_only_own_chains_are_deleted_and_rules_of_others_stay() -> None:
    saved = """*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
:CNI-abc - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 10.244.0.5/32 -m comment --comment "name: \\"cbr0\\"" -j CNI-abc
-A KUBE-SERVICES -j RETURN
COMMIT
"""
    arguments = removals(saved)
    comment = ["-m", "comment", "--comment"]
    assert ["-D", "PREROUTING", *comment, "kubernetes service portals", "-j", "KUBE-SERVICES"] in arguments
    assert ["-D", "POSTROUTING", "-s", "10.244.0.5/32", *comment, 'name: "cbr0"', "-j", "CNI-abc"] in arguments
    assert arguments[-4:] == [["-F", "KUBE-SERVICES"], ["-F", "CNI-abc"], ["-X", "KUBE-SERVICES"], ["-X", "CNI-abc"]]
    assert not [line for line in arguments if "DOCKER" in line]


def test_a_kubeconfig_without_keys_is_refused() -> None:
    data = base64.b64encode(b"pem").decode()
    text = f"    certificate-authority-data: {data}\n    server: https://10.0.0.100:6443\n"
    text += f"    client-certificate-data: {data}\n    client-key-data: {data}\n"
    assert read_kubeconfig(text).server == "https://10.0.0.100:6443" and read_kubeconfig(text).key == b"pem"
    with pytest.raises(Failed):
        read_kubeconfig("apiVersion: v1\n")


def signed(text: str, token: join.BootstrapToken, alg: str = "HS256") -> str:
    def encode(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    head = encode(json.dumps({"alg": alg, "kid": token.id}).encode())
    value = hmac.new(token.secret.encode(), f"{head}.{encode(text.encode())}".encode(), hashlib.sha256).digest()
    return f"{head}..{encode(value)}"


def certificate() -> tuple[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    day = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + datetime.timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode(), key
