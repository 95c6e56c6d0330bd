"""Real hosts form a Kubernetes cluster by themselves, from an answer file; they lose power, join, leave, are clean."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.away import away_from, proxied
from tests.e2e.kubernetes.formed import Formed
from tests.e2e.kubernetes.wizard_keys import console_of, make_cluster
from tests.support import missing

pytestmark = pytest.mark.e2e
NAME, AGAIN = "shop", "again"


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Formed]:
    """Return three hosts that have registered, with a profile that fits them."""
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = Formed(make_fleet("--hosts", "3", "--heartbeat", "10", "--kubernetes", versions.DEFAULT), versions.DEFAULT)
    made.profile("lab")
    yield made
    print("\n".join(made.took))


@pytest.fixture(scope="module")
def before(lab: Formed) -> dict[str, dict[str, list[str]]]:
    """Return what each host has before it belongs to a cluster."""
    return {host["name"]: lab.traces(host["name"]) for host in lab.fleet.shown["hosts"]}


def test_one_host_forms_a_cluster(lab: Formed, before: dict[str, Any]) -> None:
    assert NAME in lab.apply(NAME, ["edge1"])
    lab.timed("one node: apply to healthy", lambda: lab.healthy(NAME, 1))
    lab.kubeconfig(NAME)
    nodes = lab.kubectl(NAME, "get", "nodes", "--no-headers").split()
    assert nodes[:2] == ["edge1", "Ready"] and versions.DEFAULT in nodes
    assert lab.ask("edge1").startswith("web web-")
    names = lab.ask("edge1", "/resolve?name=kubernetes.default.svc.cluster.local").split()
    assert names == ["100.64.64.1"]


def test_the_kubeconfig_of_operators_grants_no_rights_over_rights(lab: Formed) -> None:
    assert lab.kubectl(NAME, "auth", "can-i", "create", "deployments").strip() == "yes"
    assert lab.kubectl(NAME, "auth", "can-i", "create", "clusterrolebindings", check=False).strip() != "yes"


def test_two_control_planes_join_when_the_document_has_them(lab: Formed) -> None:
    lab.apply(NAME, ["edge1", "edge2", "edge3"])
    lab.timed("second and third control plane", lambda: lab.healthy(NAME, 3))
    lines = lab.kubectl(NAME, "get", "nodes", "--no-headers").splitlines()
    assert [line.split()[1] for line in lines] == ["Ready"] * 3
    members = lab.kubectl(NAME, "-n", "kube-system", "get", "pods", "-l", "component=etcd", "--no-headers").splitlines()
    assert len(members) == 3 and all("Running" in member for member in members)
    assert "no change" in lab.apply(NAME, ["edge1", "edge2", "edge3"]).lower()


def test_a_volume_keeps_its_data_and_the_vip_moves_when_its_host_loses_power(lab: Formed) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}},
    }
    (lab.folder / "claim.json").write_text(json.dumps(claim))
    lab.kubectl(NAME, "apply", "-f", str(lab.folder / "claim.json"))
    holder = lab.holder()
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    container = {"name": "web", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    place = {"kubernetes.io/hostname": holder}  # not nodeName: the scheduler has to bind the volume
    pod = {"nodeSelector": place, "volumes": [volume], "containers": [container]}
    patch = {
        "spec": {"replicas": 1, "strategy": {"type": "Recreate", "rollingUpdate": None}, "template": {"spec": pod}}
    }
    lab.kubectl(NAME, "patch", "deployment", "web", "-p", json.dumps(patch))
    lab.kubectl(NAME, "rollout", "status", "deployment/web", "--timeout=180s", timeout=200.0)
    lab.store(holder, "/data", "stored text")

    lab.fleet.lab("fault", "power-cut", holder)
    began = time.monotonic()
    words = ("--request-timeout=2s", "get", "--raw", "/readyz")
    until("the API through the VIP", 10.0, lambda: lab.kubectl(NAME, *words, check=False) == "ok")
    lab.took.append(f"power cut of the host with the VIP to an answer through it: {time.monotonic() - began:.1f} s")
    print(lab.took[-1])
    assert lab.holder() != holder
    lab.fleet.lab("fault", "power-on", holder)
    lab.kubectl(NAME, "wait", "--for=condition=Ready", f"node/{holder}", "--timeout=240s", timeout=260.0)
    lab.timed("all healthy again", lambda: lab.healthy(NAME, 3))
    assert lab.ask(holder, "/data", patience=120.0) == "stored text"


def test_a_released_host_is_clean_and_the_others_continue(lab: Formed, before: dict[str, Any]) -> None:
    lab.run("--yes", "cluster", "release", NAME, "--host", "edge3")
    lab.timed("release of a control plane", lambda: lab.healthy(NAME, 2))
    until("two nodes", 60.0, lambda: len(lab.kubectl(NAME, "get", "nodes", "--no-headers").splitlines()) == 2, 1.0)
    assert_clean(lab, "edge3", before)


def test_a_deleted_cluster_leaves_nothing(lab: Formed, before: dict[str, Any]) -> None:
    lab.run("--yes", "cluster", "delete", NAME)
    lab.timed("delete", lambda: until("deleted", 600.0, lambda: deleted(lab), 1.0))
    for host in ("edge1", "edge2"):
        assert_clean(lab, host, before)


def test_the_wizard_makes_a_second_cluster_on_the_same_hosts(lab: Formed, tmp_path: Path) -> None:
    """Keys in a terminal choose profile, address and host; the preflight runs on the host; the file makes no change."""
    path, console = tmp_path / "again.yaml", console_of(lab, tmp_path / "home")
    try:
        lab.timed("the wizard by keys", lambda: make_cluster(console, AGAIN, lab.vip, path))
    finally:
        console.close()
    lab.timed("second cluster", lambda: lab.healthy(AGAIN, 1))
    assert path.stat().st_mode & 0o777 == 0o600
    assert "no change" in lab.run("--yes", "apply", "-f", str(path)).lower()


def test_its_application_opens_through_the_relay_from_where_no_host_is_reached(lab: Formed, tmp_path: Path) -> None:
    """P30: kubectl forwards a port of the service over `kube proxy`, from a namespace without a route to the hosts."""
    path = tmp_path / "kubeconfig"
    began = time.monotonic()
    with away_from(lab, tmp_path) as away, proxied(lab, away, AGAIN, path):
        kubectl = [str(lab.programs / "kubectl"), f"--kubeconfig={path}"]
        # A cluster is healthy when what its layers declare is applied; pods of the last one may start meanwhile.
        away.run(*kubectl, "rollout", "status", "deployment/web", "--timeout=60s", timeout=70.0)
        command = away.command(*kubectl, "port-forward", "service/web", "8080:80", "--address", "127.0.0.1")
        forward = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert forward.stdout is not None and "Forwarding from 127.0.0.1:8080" in forward.stdout.readline()
            page = away.run("curl", "-s", "-S", "-f", "-m", "10", "http://127.0.0.1:8080/", timeout=20.0)
        finally:
            forward.kill()
            forward.wait(10)
        assert page.stdout.startswith("web web-"), page.stderr
    lab.took.append(f"the application through the relay: {time.monotonic() - began:.1f} s")


def deleted(lab: Formed) -> bool:
    """Return whether the plane lists the cluster as deleted."""
    rows = json.loads(lab.run("cluster", "list", "-o", "json"))
    states = [row["status"]["state"] for row in rows if row["metadata"]["name"] == NAME]
    return states == ["Deleted"]


def assert_clean(lab: Formed, host: str, before: dict[str, Any], patience: float = 60.0) -> None:
    """Wait until a host has what it had before it belonged to a cluster; fails with the differences."""
    deadline = time.monotonic() + patience
    while (found := differences(before[host], lab.traces(host))) and time.monotonic() < deadline:
        time.sleep(2.0)
    assert (host, found) == (host, {})


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what was added or removed, by kind; nothing where nothing differs."""
    changed = {kind: sorted(set(before[kind]) ^ set(after[kind])) for kind in before}
    return {kind: values for kind, values in changed.items() if values}
