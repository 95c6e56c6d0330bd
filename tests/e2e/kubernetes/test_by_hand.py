"""Kubernetes by hand on hosts of the lab: the tree and the base are enough for kubeadm, three control planes too."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.by_hand import ByHand, one_node
from tests.support import missing

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def cluster(make_fleet: Callable[..., Fleet]) -> Iterator[ByHand]:
    """Return a cluster of one node on the first of three hosts."""
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    fleet = make_fleet("--bare", "--hosts", "3", "--kubernetes", versions.DEFAULT)
    hand = one_node(fleet)
    yield hand
    print("\n".join(hand.took))


def test_a_pod_answers_and_cluster_dns_resolves(cluster: ByHand) -> None:
    assert cluster.ask(cluster.first).startswith("web web-")
    names = cluster.ask(cluster.first, "/resolve?name=kubernetes.default.svc.cluster.local").split()
    assert names == ["100.64.64.1"]


def test_a_volume_stores_data(cluster: ByHand) -> None:
    cluster.apply("local-path.yaml")
    provisioner = ("deployment/local-path-provisioner", "local-path-storage")
    cluster.timed("local-path-provisioner", lambda: cluster.rollout(*provisioner))
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}},
    }
    cluster.put(cluster.first, "/root/claim.json", json.dumps(claim))
    cluster.kubectl("apply", "-f", "/root/claim.json")
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    mount = {"name": "data", "mountPath": "/data"}
    pod = {"volumes": [volume], "containers": [{"name": "web", "volumeMounts": [mount]}]}
    patch = {"spec": {"replicas": 1, "template": {"spec": pod}}}
    cluster.kubectl("patch", "deployment", "web", "-p", json.dumps(patch))
    cluster.timed("web with a volume", lambda: cluster.rollout("deployment/web"))
    cluster.ask(cluster.first, "/data", "-X", "PUT", "-d", "stored text")
    assert cluster.ask(cluster.first, "/data") == "stored text"


def test_metrics_server_runs_and_lab_hosts_have_nothing_to_measure(cluster: ByHand) -> None:
    """A limit of the lab: without cgroup controllers the kubelet reports zeros, so metrics-server is never ready."""
    cluster.apply("metrics-server.yaml")
    select = ("-n", "kube-system", "-l", "k8s-app=metrics-server")

    def log() -> str:
        return cluster.kubectl("logs", *select, check=False)

    until("a scrape", 120.0, lambda: "no metrics to serve" in log(), 2.0)
    assert "Running" in cluster.kubectl("get", "pods", *select, "--no-headers")
    cluster.kubectl("delete", "-f", "/root/metrics-server.yaml", "--wait=false")


def test_two_more_control_planes_join(cluster: ByHand) -> None:
    for host in ("edge2", "edge3"):
        cluster.timed(f"activate {host}", partial(cluster.activate, host))
        cluster.timed(f"join {host}", partial(cluster.join, host))
    cluster.timed("three nodes Ready", lambda: cluster.ready(3))
    health = cluster.kubectl("get", "--raw", "/readyz?verbose")
    assert "[+]etcd ok" in health
    members = cluster.kubectl("-n", "kube-system", "get", "pods", "-l", "component=etcd", "--no-headers").splitlines()
    assert len(members) == 3 and all("Running" in member for member in members)
    assert cluster.ask("edge3").startswith("web web-"), "pods are reached from another host, through vxlan"


def left(fleet: Fleet) -> dict[str, int]:
    """Return what this machine has of a lab, counted by kind."""
    lab, folder = str(fleet.shown["name"]), str(fleet.folder / "lab")
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    return {
        "mounts": Path("/proc/self/mounts").read_text().count(folder),
        "namespaces": len(list(Path("/run/netns").glob(f"{lab}*"))),
        "links": len(list(Path("/sys/class/net").glob(f"{lab}*"))),
        "groups": len(list(Path("/sys/fs/cgroup").glob(f"*/{lab}"))) + Path("/sys/fs/cgroup", lab).exists(),
        "processes": sum(folder.encode() in command for command in commands),
        "files": sum(len(names) for _, _, names in os.walk(folder)),
    }


def test_nothing_is_left_after_it(cluster: ByHand) -> None:
    """The last test: what `lab down` leaves on this machine."""
    before = left(cluster.fleet)
    cluster.timed("lab down", cluster.fleet.down)
    after = left(cluster.fleet)
    print("\n".join(f"{kind}: {count} -> {after[kind]}" for kind, count in before.items()))
    assert all(before.values()), "each kind is there while the lab is up"
    assert not any(after.values()), after
