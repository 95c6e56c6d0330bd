"""A plane restored from a backup that is older than the cluster: no host releases, and the cluster works on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.cases import Cases
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
NAME, HOST = "older", "edge1"
WATCHED = 75.0
"""Seconds for which the host is watched: more than one look of its reconciler, and many heartbeats."""


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = Cases(make_fleet("--hosts", "1", "--kubernetes", versions.DEFAULT, "--heartbeat", "5"), versions.DEFAULT)
    made.profile("lab")
    yield made
    print("\n" + made.table())


def test_a_plane_that_is_older_than_the_cluster_releases_nothing(lab: Cases) -> None:
    data, backup = lab.fleet.folder / "lab" / "hub", lab.fleet.folder / "before.backup"
    lab.run("hub", "backup", str(backup), "--data", str(data))
    lab.form(NAME, [HOST])
    lab.timed("one node: apply to healthy", lambda: lab.healthy(NAME, 1))
    lab.kubeconfig(NAME)
    before = len(lab.records(HOST))
    lab.fleet.lab("fault", "power-cut", "hub")
    data.rename(data.with_name("hub-lost"))
    lab.run("hub", "restore", str(backup), "--data", str(data))
    for name in ("admin-api-key", "ca.crt"):
        if not (data / name).exists():
            shutil.copy2(data.with_name("hub-lost") / name, data / name)
    lab.fleet.lab("fault", "power-on", "hub")
    plane = lab.fleet.plane()
    beats = until("the host is known", 60.0, lambda: plane.judgement(lab.fleet.uid(HOST)).get("heartbeats"), 1.0)
    began = time.monotonic()
    while time.monotonic() - began < WATCHED:
        assert lab.ready(NAME) == [HOST], "the cluster works on while the plane does not know it"
        time.sleep(5.0)
    after = plane.judgement(lab.fleet.uid(HOST)).get("heartbeats")
    started = [row["name"] for row in lab.records(HOST)[before:] if row["state"] == "running"]
    assert after > beats, "the host reports to the restored plane"
    assert not {"release", "delete", "init"} & set(started), f"no host releases or forms by itself: {started}"
    lab.sh(HOST, "pgrep -x etcd && pgrep -x kubelet")
    pod = lab.kubectl(NAME, "get", "pods", "-o", "name").split()
    lab.kubectl(NAME, "delete", *pod[:1], timeout=90.0)
    until("a new pod is ready", 90.0, lambda: lab.ask(HOST), 1.0)
    began = time.monotonic()
    rows = until("the plane lists the cluster", 330.0, lambda: unknown(lab), 2.0)  # by the next facts of its host
    listed = WATCHED + time.monotonic() - began
    lab.saw(
        "4: plane restored from a backup before the cluster", f"nothing released; after {listed:.0f} s: {rows.split()}"
    )


def unknown(lab: Cases) -> str:
    """Return the list of clusters once it has the cluster as one that the plane does not know."""
    rows = lab.run("cluster", "list")
    return rows if NAME in rows and "Unknown" in rows else ""


def test_an_operator_adopts_the_cluster_and_nothing_changes_on_its_host(lab: Cases) -> None:
    before, ca = len(lab.records(HOST)), lab.ca(HOST)
    lab.run("--yes", "cluster", "adopt", NAME)
    lab.timed("adopt to healthy", lambda: lab.wait_shown(NAME, "Running, healthy", 240.0))
    started = [row["name"] for row in lab.records(HOST)[before:] if row["state"] == "running"]
    assert started == [], f"the document is the same: no step starts ({started})"
    lab.kubeconfig(NAME)
    assert lab.ready(NAME) == [HOST] and lab.ca(HOST) == ca
    lab.saw("4: adopted by an operator", "healthy, kubeconfig handed out, no step started")
