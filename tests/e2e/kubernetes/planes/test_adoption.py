"""A plane replaced by one that knows nothing: the document, the cluster secret, masked values and content come back."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edgewright.agent.clusters.slices import FOLDER
from edgewright.agent.reconcile import exchange
from edgewright.lab.kubernetes import build, documents, versions
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.cases import Cases
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
NAME, HOST, WORKER = "harbour", "edge1", "edge2"
CANARY = "canary-5b20-of-the-harbour"
VAULT = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: vault, namespace: default}\n"
    "stringData: {password: '{{.spectro.var.password}}'}\n"
)


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = Cases(make_fleet("--hosts", "2", "--kubernetes", versions.DEFAULT, "--heartbeat", "5"), versions.DEFAULT)
    before = os.umask(0o077)  # the answer file has a password
    yield made
    os.umask(before)
    print("\n" + made.table())


def profile(lab: Cases) -> None:
    """Publish the lab's profile with one more layer: a Secret of a masked variable."""
    root = lab.folder / "lab"
    documents.write_profile(root, "lab", lab.version, lab.fleet.shown["registry"], lab.images)
    layer = root / "layers" / "vault"
    described = {"name": "vault", "type": "manifest", "layer": "addon"}
    lab.write(layer / "layer.yaml", {**described, "manifests": [{"name": "vault", "file": "manifests/vault.yaml"}]})
    (layer / "manifests").mkdir(exist_ok=True)
    (layer / "manifests" / "vault.yaml").write_text(VAULT)
    document = json.loads((root / "profile.yaml").read_text())
    document["spec"]["layers"].append("vault")
    document["spec"]["variables"] = [{"name": "password", "isSensitive": True, "required": True}]
    lab.write(root / "profile.yaml", document)
    lab.run("--yes", "apply", "-f", str(root))
    lab.run("--yes", "profile", "publish", "lab")


def part(lab: Cases, host: str) -> dict[str, Any]:
    """Return the secrets that a host has of its cluster."""
    folder = str(lab.var_lib(host) / "edgewright" / FOLDER)
    (uid,) = exchange.names(folder)
    body = exchange.get(folder, uid) or {}
    return {"lineage": body["lineage"], **body["sealed"]}


def conditions(lab: Cases) -> dict[str, str]:
    """Return the conditions of the cluster."""
    shown = lab.show(NAME)
    ours = shown["status"].get("conditions") or shown["status"]["edgewright"]["conditions"]
    return {row["type"]: row["message"] for row in ours if row["status"] == "True"}


def test_another_plane_takes_a_cluster_over_with_all_of_its_secrets(lab: Cases) -> None:
    data, empty = lab.fleet.folder / "lab" / "hub", lab.fleet.folder / "empty.backup"
    lab.run("hub", "backup", str(empty), "--data", str(data))  # hosts are registered, and there is nothing else
    profile(lab)
    wanted = [{"name": "lab", "variables": {"password": CANARY}}]
    lab.form(NAME, [HOST], profiles=wanted)
    lab.timed("one node: apply to healthy", lambda: lab.healthy(NAME, 1))
    before = part(lab, HOST)
    assert CANARY in str(before["maskedValues"])

    lab.fleet.lab("fault", "power-cut", "hub")
    data.rename(data.with_name("hub-lost"))
    lab.run("hub", "restore", str(empty), "--data", str(data))
    for name in ("admin-api-key", "ca.crt"):
        if not (data / name).exists():
            shutil.copy2(data.with_name("hub-lost") / name, data / name)
    lab.fleet.lab("fault", "power-on", "hub")
    until("the cluster is reported", 120.0, lambda: "Unknown" in lab.run("cluster", "list"), 1.0)
    steps = len(lab.records(HOST))
    lab.run("--yes", "cluster", "adopt", NAME)
    lab.timed("adopt to healthy", lambda: lab.wait_shown(NAME, "Running, healthy", 240.0))

    def settled() -> bool:
        return part(lab, HOST)["lineage"] != before["lineage"] and "ContentMissing" not in conditions(lab)

    lab.timed("secrets and content", lambda: until("the host's part is that of the other plane", 120.0, settled, 2.0))
    after = part(lab, HOST)
    assert after["clusterSecret"] == before["clusterSecret"] and after["maskedValues"] == before["maskedValues"]
    started = [row["name"] for row in lab.records(HOST)[steps:] if row["state"] == "running"]
    assert started == [], f"the document is the same: no step starts ({started})"
    stored = [path for path in data.rglob("*") if path.is_file()]
    assert not [path.name for path in stored if CANARY.encode() in path.read_bytes()], "sealed at the other plane too"
    lab.saw("8: another plane adopts", f"secret and {len(after['maskedValues'])} masked values are the same, no step")


def test_a_worker_joins_by_the_secret_that_was_handed_over(lab: Cases) -> None:
    cluster = json.loads(lab.run("cluster", "show", NAME, "-o", "json"))
    assert cluster["status"]["edgewright"]["hosts"] == 1
    profile(lab)
    lab.form(NAME, [HOST], [WORKER], profiles=[{"name": "lab", "variables": {"password": CANARY}}])
    lab.kubeconfig(NAME)
    lab.timed("a worker joins", lambda: until("two nodes", 300.0, lambda: lab.ready(NAME) == [HOST, WORKER], 1.0))
    words = ("get", "secret", "vault", "-n", "default", "-o", "jsonpath={.data.password}")
    assert lab.kubectl(NAME, *words), "the Secret of the masked layer is there"
    lab.saw("8: a worker after the adoption", "joined by the token that is derived from the secret")
