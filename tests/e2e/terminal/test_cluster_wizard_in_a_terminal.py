"""The cluster wizard in a real terminal on a real hub: simulated hosts form it, and its file means the same cluster."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.console import Console
from tests.e2e.fleet import command_environment, product
from tests.e2e.planes import SmallPlane, small_plane
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
NAME = "a-lab"
"""The profile of this plane."""
NETWORKS = {"podSubnet": "100.64.0.0/18", "serviceSubnet": "100.64.64.0/18"}
TREE = {"ref": "registry.example/tree:1.36.3", "digest": "sha256:" + "ab" * 32}
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, namespace: kube-system}\n"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPlane]:
    """A hub with simulated hosts and a published profile that asks for a value."""
    if shutil.which("tmux") is None:
        missing("e2e", "tmux is not installed")
    folder = tmp_path_factory.mktemp("plane")
    with small_plane(folder, 24) as made:
        publish(made, folder / "profile")
        yield made


def command_line(plane: SmallPlane, home: Path, *words: str) -> str:
    """Run the product's command line on the plane; returns its output."""
    names = {"URL": plane.url, "CA": plane.ca, "API_KEY_FILE": plane.key}
    env = command_environment(home) | {f"EDGEWRIGHT_{key}": str(value) for key, value in names.items()}
    done = product(env, *words)
    assert done.returncode == 0, done
    return done.stdout


def publish(plane: SmallPlane, root: Path) -> None:
    """Publish a profile whose network and application are manifests: nothing is fetched for it."""

    def write(path: str, content: Any) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content if isinstance(content, str) else json.dumps(content))

    layers = ["edge-native-byoi", "edge-k8s", "net", "web"]
    variables = [{"name": "site", "displayName": "Site", "required": True}]
    spec = {"version": "1.0.0", "type": "cluster", "cloudType": "edge-native", "layers": layers, "variables": variables}
    head = {"apiVersion": "edgewright/v1", "kind": "ClusterProfile", "metadata": {"name": NAME}, "spec": spec}
    write("profile.yaml", head)
    kubernetes = {"tree": TREE, "cluster": {"config": {"clusterConfiguration": {"networking": NETWORKS}}}}
    for name, version, kind, values in (
        ("edge-native-byoi", "1.0.0", "os", {"options": {"system.uri": "registry.example/os:1"}}),
        ("edge-k8s", "1.36.3", "k8s", kubernetes),
    ):
        write(f"layers/{name}/layer.yaml", {"name": name, "type": "spectro", "layer": kind, "version": version})
        write(f"layers/{name}/values.yaml", values)
    for name, kind in (("net", "cni"), ("web", "addon")):
        manifest = {"name": name, "file": f"manifests/{name}.yaml"}
        write(f"layers/{name}/layer.yaml", {"name": name, "type": "manifest", "layer": kind, "manifests": [manifest]})
        write(f"layers/{name}/manifests/{name}.yaml", CONFIG_MAP.replace("NAME", name))
    command_line(plane, root.parent / "home", "--yes", "apply", "-f", str(root), "--publish")


def free_vip(plane: SmallPlane, home: Path) -> str:
    """Return an address in the network of the free host that is the first by name."""
    deadline = time.monotonic() + 150
    while True:  # the host of a test before leaves its cluster
        hosts = json.loads(command_line(plane, home, "host", "list", "-o", "json"))
        free = [
            host["spec"]["device"]["nics"][0]["ip"]
            for host in sorted(hosts, key=lambda host: str(host["metadata"]["name"]))
            if not host["status"].get("inUseClusters") and host["status"]["health"]["state"] == "healthy"
        ]
        if free:
            return f"{free[0].rpartition('.')[0]}.150"
        assert time.monotonic() < deadline, "no host is free"
        time.sleep(3)


def typed(console: Console, manner: str, *keys: str) -> None:
    """Press keys one by one, or all in one write."""
    if manner == "fast":
        console.press(*keys)
    else:
        for key in keys:
            console.press(key)


@pytest.mark.parametrize(("manner", "size"), [("slow", (80, 24)), ("fast", (132, 43))])
def test_keys_lead_to_a_cluster_that_simulated_hosts_form(
    plane: SmallPlane, tmp_path: Path, manner: str, size: tuple[int, int]
) -> None:
    name, path, vip = f"store-{manner}", tmp_path / "store.yaml", free_vip(plane, tmp_path / "home")
    console = plane.console(tmp_path, *size)
    try:
        typed(console, manner, *":clusters", "Enter")
        console.wait("Clusters")
        if manner == "fast":  # all pages in one write
            console.press(
                "+", *name, "PageDown", "Enter", "PageDown", *"berlin", "PageDown", "Tab", *vip, "PageDown", "Enter"
            )
        else:
            console.press("+")
            console.wait("New cluster", "ABOUT")
            typed(console, manner, *name, "PageDown")
            console.wait("PROFILE", NAME)
            typed(console, manner, "Enter", "PageDown")
            console.wait("VARIABLES", "Site")
            console.press("PageDown")
            console.wait("Site is needed.")
            typed(console, manner, *"berlin", "PageDown")
            console.wait("NETWORK", "100.64.64.0/18", patience=20)
            typed(console, manner, "Tab", *vip, "PageDown")
            console.wait("HOSTS", "FREE HOSTS")
            console.press("Enter")
        console.wait("HOSTS", " 1 host", patience=40)
        console.press("PageDown")
        console.wait("PREFLIGHT", "checks ok", "The plane would accept it", patience=40)
        console.press("PageDown")
        console.wait("SETTINGS")
        console.press("PageDown")
        console.wait("SUMMARY", "Create the cluster", patience=20)
        console.press("w")
        console.wait("Write the answer file")
        console.press("C-u")
        typed(console, manner, *str(path), "Enter")
        console.wait("Written, readable by you alone", patience=20)
        console.press("b")
        console.wait(f"Cluster {name} is created", patience=30)
    finally:
        console.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "no change" in command_line(plane, tmp_path, "--yes", "apply", "-f", str(path)).lower()
    deadline = time.monotonic() + 120
    while "Running, healthy" not in (shown := command_line(plane, tmp_path, "cluster", "show", name)):
        assert time.monotonic() < deadline, shown
        time.sleep(2)
    command_line(plane, tmp_path, "--yes", "cluster", "delete", name)
    assert sorted(tmp_path.rglob("crashes/*.log")) == []
