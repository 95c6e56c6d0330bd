"""helm that is killed, and a grant that stays open: its host loses power as a learner, then its leader is silent.

A cluster of one control plane; two more join in the last test.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from edgewright.lab.kubernetes import build, versions
from edgewright.packs import archive
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.cases import LINKS, RECONCILER, Cases, Strike, cases_lab
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]
NAME = "grant"
HELM = "slow"
GRANT = "edgewright.io/grant"
UPGRADES = f"pgrep -f '[h]elm upgrade --install {HELM}' >/dev/null"
LEASE = 150.0
"""Seconds after which another control plane takes the Lease."""
STOPPED = f"/run/systemd/system/{RECONCILER}.d"
SILENCE = f"""
mkdir -p {STOPPED}
printf '[Unit]\\nConditionPathExists=/nowhere\\n' > {STOPPED}/silent.conf
systemctl daemon-reload
systemctl stop {RECONCILER}
"""
SPEAK = f"rm -r {STOPPED}; systemctl daemon-reload; systemctl start {RECONCILER}"
"""A leader that does nothing any more while its host and its API run, and the end of that."""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: slow}
spec:
  replicas: 1
  selector: {matchLabels: {app: slow}}
  template:
    metadata:
      labels: {app: slow, round: "{{ .Values.round }}"}
    spec:
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: "{{ .Values.image }}"
          imagePullPolicy: Always
          readinessProbe: {httpGet: {port: 8080, path: /}, initialDelaySeconds: 12, periodSeconds: 1}
"""


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = cases_lab(make_fleet, versions.DEFAULT, "--heartbeat", "10")
    chart(made)
    yield made
    print("\n" + made.table())


def chart(lab: Cases) -> None:
    """Import a chart whose pods are ready after 12 s, and make an add-on profile with a variable of it."""
    head = f"apiVersion: v2\nname: {HELM}\nversion: 1.0.0\n".encode()
    files = {"Chart.yaml": head, "values.yaml": b"round: one\nimage: web\n", "templates/a.yaml": DEPLOYMENT.encode()}
    path = lab.folder / f"{HELM}-1.0.0.tgz"
    path.write_bytes(archive.pack(files, HELM))
    lab.run("--yes", "pack", "import", str(path))
    root = lab.folder / HELM
    spec = {
        "version": "1.0.0", "type": "add-on", "layers": [HELM],
        "variables": [{"name": "round", "format": "string", "required": True}],
    }  # fmt: skip
    document = {"apiVersion": "edgewright/v1", "kind": "ClusterProfile", "metadata": {"name": HELM}, "spec": spec}
    lab.write(root / "profile.yaml", document)
    described = {"name": HELM, "type": "helm", "layer": "addon", "version": "1.0.0", "tag": "1.0.0"}
    lab.write(root / "layers" / HELM / "layer.yaml", described)
    values = {"round": "{{.spectro.var.round}}", "image": lab.image("web")}
    lab.write(root / "layers" / HELM / "values.yaml", {"pack": {"namespace": HELM}, "charts": {HELM: values}})
    lab.run("--yes", "apply", "-f", str(root))
    lab.run("--yes", "profile", "publish", HELM)


def profiles(round_: str) -> list[dict[str, object]]:
    """Return the profiles of the cluster with the variable of its chart."""
    return [{"name": "lab"}, {"name": HELM, "variables": {"round": round_}}]


def release(lab: Cases, host: str) -> list[dict[str, object]]:
    """Return the revisions of the release as helm has them."""
    command = f"{LINKS}/helm --kubeconfig /etc/kubernetes/admin.conf -n {HELM} history {HELM} -o json"
    text = lab.sh(host, command, check=False)
    rows: list[dict[str, object]] = json.loads(text) if text.strip() else []
    return rows


def test_a_helm_install_that_is_killed_is_removed_and_installed_again(lab: Cases) -> None:
    lab.form(NAME, ["edge1"], profiles=profiles("one"))
    Strike(lab, "edge1", f"{UPGRADES} && sleep 4", "pkill -9 -x helm").done(500.0)
    lab.timed("one control plane with a killed helm: to healthy", lambda: lab.healthy(NAME, 1))
    lab.kubeconfig(NAME)
    rows = release(lab, "edge1")
    assert [row["status"] for row in rows] == ["deployed"], "what was pending is removed and installed again"
    failed = [row for row in lab.records("edge1") if row["name"] == "layer" and row["state"] == "failed"]
    assert failed and "-9" in failed[0]["error"], f"the exit status of the killed helm was found: {failed}"
    lab.saw("5: helm killed -9 in its first install", f"{failed[0]['error'][:90]}; revisions {statuses(rows)}")


def test_a_helm_upgrade_that_is_killed_goes_back_and_is_repeated_while_the_agent_is_updated(lab: Cases) -> None:
    leader = lab.leading(NAME)
    before = len(release(lab, leader))
    lab.form(NAME, ["edge1"], profiles=profiles("two"))
    strike = Strike(lab, leader, f"{UPGRADES} && sleep 5", "pkill -9 -x helm")
    until("helm runs", 120.0, lambda: lab.sh(leader, "pgrep -x helm", check=False), 0.2)
    lab.kill_reconciler(leader)
    lab.update(leader)
    strike.done(60.0)
    pending = [str(row["status"]) for row in release(lab, leader)]
    lab.timed("killed helm upgrade: to healthy", lambda: lab.healthy(NAME, 1))
    rows = release(lab, leader)
    assert "pending-upgrade" in pending, f"the killed upgrade was pending: {pending}"
    assert rows[-1]["status"] == "deployed", "`pending-upgrade` is healed: back to what was deployed, then the upgrade"
    labels = lab.kubectl(
        NAME, "-n", HELM, "get", "pods", "-l", "app=slow", "-o", "jsonpath={.items[*].metadata.labels.round}"
    )
    assert "two" in labels.split(), "the wanted values run at the end"
    lab.saw(
        "5: helm killed -9 in an upgrade, reconciler killed, agent updated",
        f"{before} revisions, then {pending}, at the end {statuses(rows)}",
    )


def statuses(rows: list[dict[str, object]]) -> str:
    return ", ".join(f"{row['revision']} {row['status']}" for row in rows)


def test_a_grant_survives_its_leader_and_a_learner_without_power_costs_no_quorum(lab: Cases) -> None:
    lab.form(NAME, ["edge1", "edge2", "edge3"], profiles=profiles("two"))
    moment = "pid=$(pgrep -x kubeadm)"
    ctr = f"{LINKS}/ctr --address /run/edgewright/containerd/containerd.sock -n k8s.io images"
    second = until("two voters", 500.0, lambda: next((v for v in lab.voters("edge1") if v != "edge1"), ""), 0.5)
    third = next(host for host in lab.names if host not in ("edge1", second))
    learner = "until test -e /etc/kubernetes/manifests/etcd.yaml; do sleep 0.02; done"
    lab.cut_at(third, moment, 500.0, f"{ctr} rm $({ctr} ls -q | grep /etcd:) >/dev/null; {learner}")
    began = time.monotonic()
    listed = [(m.get("name"), bool(m.get("isLearner"))) for m in lab.etcd("edge1")]
    assert [name for name, learner in listed if learner], f"it has no power while it is a learner: {listed}"
    assert lab.voters("edge1") == sorted(["edge1", second]), "voters are untouched"
    leader = lab.leading(NAME)
    other = second if leader == "edge1" else "edge1"
    grant = (lab.lease(NAME)["metadata"].get("annotations") or {}).get(GRANT)
    assert grant and lab.fleet.uid(third) in grant, "the grant of the join is open"
    lab.sh(leader, SILENCE)
    until("another leader", LEASE + 120.0, lambda: lab.leading(NAME) == other, 2.0)
    changed = time.monotonic() - began
    kept = (lab.lease(NAME)["metadata"].get("annotations") or {}).get(GRANT)
    assert kept == grant, "the grant survives a change of the leader"
    assert {"edge1", second} <= set(lab.ready(NAME)), "the API answers with a dead learner"
    lab.sh(leader, SPEAK)
    lab.power_on(third)
    lab.timed("the learner is back: to three healthy", lambda: lab.healthy(NAME, 3, 420.0))
    assert lab.voters("edge1") == lab.names
    until("no grant is open", 120.0, lambda: GRANT not in str(lab.lease(NAME)), 2.0)
    attempts = lab.attempts(third, "join-control-plane")
    lab.saw("3: power cut of the third joiner as learner, etcd image missing", f"etcd {listed}; attempts {attempts}")
    lab.saw("15: leader silent while the grant is open", f"{leader} -> {other} after {changed:.0f} s, same grant")
