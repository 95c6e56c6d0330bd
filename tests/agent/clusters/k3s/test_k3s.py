"""k3s behind the steps of kubeadm, against a stand-in that is not k3s: settings, admission, files, release."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.clusters import gather, paths
from edgewright.agent.clusters.checks import peer, preflight
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.k3s import admission, node, settings, users
from edgewright.agent.clusters.kube import init, joining, release, reset, signing, tokens
from edgewright.agent.clusters.kube.api import Api, ca_of, inlined
from edgewright.agent.clusters.kube.certificate import spki_sha256
from edgewright.agent.clusters.kube.etcd import EtcdMember
from edgewright.agent.clusters.machine.unpack import unpack
from edgewright.agent.clusters.registry import STEPS, steps_of
from edgewright.agent.reconcile.checks import WARNING
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters import join, model
from edgewright.core.errors import Conflict, Failed, Refused
from edgewright.forge.tree.parts import templates
from tests.agent.clusters.k3s import k3s_stand_in
from tests.agent.clusters.support import DIGEST, SECRET, FakeHost, cluster, context
from tests.agent.clusters.test_content import layer_of, tree_document
from tests.agent.clusters.test_kube import certificate

VERSION = "v1.32.9+k3s1"
CONFIG = {"disable": ["traefik"], "flannel-backend": "none", "tls-san": ["api.example"], "cluster-init": False}
FOLDER = paths.tree(DIGEST)
BYTES = bytes.fromhex(SECRET)


def k3s(count: int = 1, workers: int = 0, **more: Any) -> model.ClusterDocument:
    return cluster(count, workers, kubernetes=model.Kubernetes(model.K3S, VERSION, CONFIG), **more)


class Machine(FakeHost):
    """A host on which `systemctl restart k3s.service` runs the stand-in with the arguments of the unit."""

    def __init__(self, top: Path, tmp_path: Path) -> None:
        super().__init__(top)
        self.answers.append(self.systemctl)
        document = {**tree_document([]), "distribution": "k3s", "version": VERSION}
        document["components"] = {"k3s": {"path": "bin/k3s", "version": VERSION}}
        files = {"bin/k3s": b"#!", "templates/k3s.service": templates("k3s")["k3s.service"]}
        (tmp_path / "layer").write_bytes(layer_of(files))
        unpack(self, [str(tmp_path / "layer")], FOLDER, json.dumps(document).encode(), print)
        self.ca = certificate()[0]
        (top / "stand-in-ca.pem").write_text(self.ca)
        self.printed = ""

    def systemctl(self, command: Sequence[str]) -> Ended | None:
        if list(command) != ["systemctl", "restart", "--no-block", paths.K3S_UNIT]:
            return None
        (line,) = [x for x in self.lines(f"{paths.UNITS}/{paths.K3S_UNIT}") if x.startswith("ExecStart=")]
        words = line.partition("=")[2].split()
        assert words[0] == f"{paths.LINKS}/k3s"
        done = subprocess.run(
            [sys.executable, k3s_stand_in.__file__, *words[1:], self.top], capture_output=True, text=True, check=False
        )
        self.printed = done.stdout + done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def host(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "host", tmp_path)


def test_only_the_steps_that_differ_are_of_k3s() -> None:
    assert steps_of(cluster()) is STEPS and set(steps_of(k3s())) == set(STEPS)
    other = {name for name, kind in steps_of(k3s()).items() if kind is not STEPS[name]}
    assert other == {"activate", "runtime", "preload", "init", "join-control-plane", "join-worker"}


def test_the_settings_are_the_document_and_what_its_layer_adds_but_never_tokens_or_names() -> None:
    document = k3s(2, 1)
    taint = model.Taint("a", "NoSchedule", "b")
    first = settings.server(document, dataclasses.replace(document.members[0], taints=(taint,)), BYTES)
    assert first["cluster-init"] is True and "server" not in first
    assert first["tls-san"] == ["api.example", "10.0.0.100"] and first["disable"] == ["traefik"]
    assert (first["token"], first["agent-token"]) == (join.cluster_token(BYTES), join.agent_token(BYTES))
    assert (first["cluster-cidr"], first["node-ip"], first["node-name"]) == ("10.244.0.0/16", "10.0.0.11", "n1")
    assert first["node-label"] == ["edgewright.io/host=host-1"] and first["node-taint"] == ["a=b:NoSchedule"]
    assert "listen-client-http-urls=https://127.0.0.1:2382,https://10.0.0.11:2382" in first["etcd-arg"]
    second = settings.server(document, document.members[1], BYTES, "ab")
    assert second["server"] == "https://10.0.0.100:6443" and "cluster-init" not in second
    assert second["token"] == f"K10ab::server:{join.cluster_token(BYTES)}", "it names the CA: no token before TLS"
    agent = settings.agent(document, document.members[2], "t", "ab")
    assert agent["token"] == "K10ab::node:t" and set(agent) <= k3s_stand_in.NODE, "flags of servers are not given to it"


def test_one_server_forms_the_cluster_and_is_observed_as_a_node_of_kubeadm_is(
    host: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = context(host, k3s())
    steps = steps_of(work.document)
    host.answers.append(lambda command: Ended(0, "net 1\n") if command[0] == "sysctl" else None)
    steps["activate"].act(work)
    assert steps["activate"].seen(work)[0] is Seen.DONE
    assert os.readlink(host.path(paths.component("kubectl"))) == f"{FOLDER}/bin/k3s", "k3s is kubectl by that name"
    script = host.text(paths.ACTIVATE)
    assert f"[ ! -e {paths.K3S_CONFIG} ] || systemctl --no-block start {paths.K3S_UNIT}" in script
    assert steps["runtime"].seen(work)[0] is Seen.DONE and steps["preload"].seen(work)[0] is Seen.DONE
    monkeypatch.setattr(node, "until_ready", lambda *arguments, **named: None)
    monkeypatch.setattr(init, "may_not", lambda context: "")
    steps["init"].act(work)
    assert "STAND-IN: this is not k3s" in host.printed, host.printed
    assert gather.kubelet_ca(work) == spki_sha256(host.ca) and host.has(paths.ADMIN_CONF)
    assert gather.etcd_epoch(work) == 1 and host.data(f"{paths.KUBERNETES}/pki/etcd/healthcheck-client.key")
    assert ca_of(inlined(host, paths.KUBELET_CONF)).strip() == host.ca.strip()
    assert node.complete_settings(work) and not node.complete_settings(
        context(host, k3s(network=model.Network("10.9.0.0/16", "x")))
    )
    assert os.stat(host.path(paths.K3S_CONFIG)).st_mode & 0o777 == 0o600
    assert all(host.has(f"{paths.CNI_BIN}/{name}") for name in settings.PLUGINS)
    assert not os.path.lexists(host.path(f"{paths.CNI_BIN}/flannel")), "its pod would write through the link"
    assert host.has(paths.SOCKET), "a link that a boot makes again"
    assert os.readlink(host.path(paths.BOOT + paths.SOCKET[4:])) == os.readlink(host.path(paths.SOCKET))


def test_a_release_leaves_nothing_of_k3s_but_the_volumes(host: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    work = context(host, k3s(), argument="r-1")
    steps = steps_of(work.document)
    steps["activate"].act(work)
    monkeypatch.setattr(node, "until_ready", lambda *arguments, **named: None)
    monkeypatch.setattr(init, "may_not", lambda context: "")
    steps["init"].act(work)
    host.write(f"{paths.K3S}/storage/pvc-1/file", b"data")
    host.write(f"{node.IMAGES}/x.tar", b"x")
    host.write("/etc/rancher/node/password", b"x")
    shim = "/x/containerd-shim-runc-v2\x00-address\x00"
    processes = [("7", "1", shim + paths.K3S_SOCKET), ("8", "7", "pause"), ("9", "1", shim + "/run/docker.sock")]
    for pid, parent, line in processes:
        host.write(f"/proc/{pid}/cmdline", line.encode())
        host.write(f"/proc/{pid}/stat", f"{pid} (a b) S {parent} 1".encode())
    reset.reset_kubeadm(work)
    assert not host.has(paths.K3S_CONFIG) and host.has(f"{node.IMAGES}/x.tar"), "a repeated join needs the archives"
    assert [command[-1] for command in host.ran("kill", "-9")] == ["8", "7"], "not the one of docker"
    release.Release().act(work)
    assert host.names(paths.K3S) == ["storage"] and not host.has("/etc/rancher")
    assert (
        not host.has(paths.STATE) and not host.has(f"{paths.UNITS}/{paths.K3S_UNIT}") and not host.has(paths.KUBERNETES)
    )
    assert not os.path.lexists(host.path(paths.ETCD))


class Records(Api):
    """An API that has ConfigMaps."""

    def __init__(self) -> None:
        self.stored: dict[str, Any] = {}
        self.conflicts = 1

    def maybe(self, path: str) -> Any:
        return self.stored.get(path)

    def post(self, path: str, body: Any) -> dict[str, Any]:
        self.stored[f"{path}/{body['metadata']['name']}"] = body
        return {}

    def put(self, path: str, body: Any) -> dict[str, Any]:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("changed")
        self.stored[path] = body
        return {}


def test_the_leader_admits_for_half_an_hour_and_withdraws(host: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    work, api = context(host, k3s(2)), Records()
    tokens.serve(work, api, work.document.members[1])
    assert tokens.served(work, api) == {"host-2"}
    tokens.serve(work, api, work.document.members[1])
    monkeypatch.setattr(work.host, "now", lambda: 4e9)
    assert tokens.served(work, api) == frozenset()
    tokens.withdraw(work, api, "host-2")
    assert json.loads(api.stored[admission.PATH]["data"]["hosts"]) == {}
    assert set(api.stored) == {admission.PATH}, "no Secret: the tokens of k3s last as long as the cluster"


def test_a_host_joins_when_the_leader_admits_it_and_the_api_has_the_ca_that_is_known(
    host: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = spki_sha256(host.ca)
    status: dict[str, Any] = {"admits": [], "ca": key}
    monkeypatch.setattr(peer, "question", lambda *arguments: status)
    monkeypatch.setattr(admission, "bundle", lambda context: host.ca)
    work, agent = (
        context(host, k3s(2, 1), "host-2"),
        context(host, k3s(2, 1), "host-3", host_secret=SECRET, agent_token="t"),
    )
    assert admission.authority(work) == "" and gather.admitted(work) is False
    status["admits"] = ["host-2", "host-3"]
    assert admission.authority(work) == key and gather.admitted(agent) is False, "a worker cannot verify the answer"
    known = dataclasses.replace(
        agent.document, bootstrap=model.Bootstrap("host-1", 1, model.Done("2026-01-01T00:00:00Z", key, "0" * 36))
    )
    agent = context(host, known, "host-3", host_secret=SECRET, agent_token="t")
    assert gather.admitted(agent) is True
    monkeypatch.setattr(admission, "bundle", lambda context: certificate()[0])
    with pytest.raises(Refused, match="another CA"):
        admission.authority(agent)
    monkeypatch.setattr(admission, "bundle", lambda context: host.ca)
    steps = steps_of(agent.document)
    steps["activate"].act(agent)
    monkeypatch.setattr(joining, "until_ready", lambda *arguments: None)
    steps["join-worker"].act(agent)
    assert "STAND-IN" in host.printed and joining.joined_here(agent) == 1
    assert " agent " in host.text(f"{paths.UNITS}/{paths.K3S_UNIT}") and not host.has(paths.ADMIN_CONF)


def test_images_are_archives_beside_k3s_until_its_containerd_runs(host: Machine) -> None:
    work = context(host, k3s())
    store = work.store
    parts = [store.add(data) for data in (b"{}", b"layer")]
    manifest = {
        "schemaVersion": 2,
        "config": {"digest": parts[0], "size": 2},
        "layers": [{"digest": parts[1], "size": 5}],
    }
    digest = store.add(json.dumps(manifest).encode())
    work = context(host, k3s(images=(model.Image("docker.io/a/b:1", digest),)))
    step = steps_of(work.document)["preload"]
    assert step.seen(work)[0] is Seen.NOT_DONE
    step.act(work)
    assert step.seen(work)[0] is Seen.DONE and not host.ran("ctr")
    with tarfile.open(host.path(f"{node.IMAGES}/{digest[7:]}.tar")) as archive:
        assert {"oci-layout", "index.json"} < set(archive.getnames())
    host.write(paths.K3S_SOCKET, b"")
    node.link(host, paths.SOCKET, paths.K3S_SOCKET)
    assert step.seen(work)[0] is Seen.NOT_DONE, "now its containerd is asked"
    assert host.ran("ctr", "--address", paths.SOCKET)


def test_an_archive_of_the_tree_is_taken_as_it_is(host: Machine) -> None:
    host.write(f"{FOLDER}/images/k3s-airgap-images-amd64.tar.gz", b"many")
    document = {
        **json.loads(host.data(f"{FOLDER}/tree.json")),
        "images": [{"ref": "docker.io/rancher/pause:3", "digest": DIGEST, "size": 1}],
    }
    host.write(f"{FOLDER}/tree.json", json.dumps(document).encode())
    work = context(host, k3s())
    step = steps_of(work.document)["preload"]
    step.act(work)
    assert host.data(f"{node.IMAGES}/k3s-airgap-images-amd64.tar.gz") == b"many" and step.seen(work)[0] is Seen.DONE


def test_members_of_etcd_have_the_names_of_their_nodes(host: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgewright.agent.clusters.kube import health

    class Etcd:
        def members(self) -> list[EtcdMember]:
            return [
                EtcdMember(7, "n2-1a2b3c4d", ["https://10.0.0.12:2380"], False),
                EtcdMember(8, "", ["https://10.0.0.13:2380"], True),
            ]

        def alarms(self) -> dict[int, list[str]]:
            return {7: ["NOSPACE"]}

    monkeypatch.setattr(health, "answering", lambda context: (Etcd(), 7))
    monkeypatch.setattr(health, "reachable", lambda host, address: True)
    listed = health.members_with_health(context(host, k3s(3)))
    assert [(m.name, m.voter, m.alarms) for m in listed] == [("n2", True, ("NOSPACE",)), ("", False, ())]


def test_kubeconfigs_are_signed_by_the_api(host: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, str]] = []

    class Api:
        def post(self, path: str, body: Any) -> Any:
            calls.append(("post", body["spec"]["signerName"]))
            assert body["spec"]["expirationSeconds"] == 30 * 86_400
            return body

        def put(self, path: str, body: Any) -> None:
            calls.append(("put", path.rpartition("/")[2]))

        def get(self, path: str) -> Any:
            return {"status": {"certificate": "Q0VSVA=="}}

        def delete(self, path: str) -> None:
            calls.append(("delete", ""))

    monkeypatch.setattr(signing, "admin", lambda host: Api())
    host.write(f"{paths.KUBERNETES}/pki/ca.crt", b"CA")
    host.answers.append(lambda command: Ended(0, "KEY\n") if command[1] == "genpkey" else None)
    text = users.make(context(host, k3s()), "edgewright:operator", 30)
    assert calls == [("post", "kubernetes.io/kube-apiserver-client"), ("put", "approval"), ("delete", "")]
    assert "client-key-data: S0VZCg==" in text and "server: https://10.0.0.100:6443" in text and "Q0VSVA==" in text
    assert not [word for command in host.commands for word in command if "KEY" in word], "no key in arguments"


def test_it_is_marked_as_not_proven(host: Machine) -> None:
    check = preflight.distribution(context(host, k3s()))
    assert (check.state, check.text) == (
        WARNING, "k3s v1.32.9+k3s1 is not proven here: its steps are written from its documentation",
    )  # fmt: skip
    assert k3s_stand_in.NOTE.startswith("STAND-IN: this is not k3s")


def test_settings_that_k3s_does_not_document_fail_in_the_stand_in(host: Machine) -> None:
    work = context(host, k3s())
    steps_of(work.document)["activate"].act(work)
    node.write_settings(work, {"no-such-flag": 1})
    with pytest.raises(Failed):
        node.start(work)
    assert "unknown settings: no-such-flag" in host.printed
