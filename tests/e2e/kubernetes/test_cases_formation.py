"""A formation that is disturbed at each of its hard places: no plane, no registry, killed kubeadm, a power cut.

One formation of three control planes has all of it, in order; the tests follow each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes import agreement
from tests.e2e.kubernetes.cases import RECONCILER, Cases, Strike, cases_lab, kill_kubeadm
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]
NAME = "cut"
LISTENS = "ss -ltnH 'sport = :2379' | grep -q ."
KUBEADM = "pgrep -x kubeadm >/dev/null"
DOWN = 120.0
"""Seconds for which the registry is down in the middle of a pull."""


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = cases_lab(make_fleet, versions.DEFAULT, "--heartbeat", "10")
    yield made
    print("\n" + made.table())


@pytest.fixture(scope="module")
def outage() -> Iterator[ExitStack]:
    """What is off at present; on again after the module whatever happened."""
    with ExitStack() as stack:
        yield stack


def store_size(lab: Cases, host: str) -> int:
    """Return the bytes of content on a host."""
    folder = lab.var_lib(host) / "edgewright/content"
    return sum(path.stat().st_size for path in list(folder.rglob("*")) if path.is_file())


def test_without_the_plane_before_the_fetch_hosts_wait_and_fail_nothing(lab: Cases) -> None:
    lab.fleet.lab("fault", "delay", "0", "registry", "--rate", "30000")  # so that a pull has a middle
    lab.form(NAME, lab.names)

    def have() -> bool:
        return all(any((lab.var_lib(host) / "edgewright/cluster").glob("*.json")) for host in lab.names)

    until("the document is on all hosts", 60.0, have, 0.2)
    with lab.plane_off():
        done = lambda host: lab.step(host, "preflight").get("state") == "done"  # noqa: E731
        until("preflight without the plane", 120.0, lambda: all(map(done, lab.names)), 0.5)
        time.sleep(15.0)
        records = {host: lab.records(host) for host in lab.names}
    for host, rows in records.items():
        wrong = [row for row in rows if row["state"] in ("failed", "waiting: operator")]
        assert wrong == [], f"a plane that is away fails no step of {host}"
    names = sorted({f"{row['name']} {row['state']}" for rows in records.values() for row in rows})
    lab.saw("plane stopped before the fetch", f"15 s without the plane after preflight: {', '.join(names)}")


def test_a_registry_that_is_down_for_two_minutes_in_mid_pull_costs_no_byte_and_no_operator(lab: Cases) -> None:
    until("a pull has begun", 120.0, lambda: store_size(lab, "edge1") > 10_000_000, 0.3)
    lab.fleet.lab("fault", "power-cut", "registry")
    began = time.monotonic()
    before = {host: store_size(lab, host) for host in lab.names}
    time.sleep(max(0.0, DOWN - (time.monotonic() - began)))
    during = {host: lab.step(host, "fetch") for host in lab.names}
    after = {host: store_size(lab, host) for host in lab.names}
    assert all(after[host] >= before[host] for host in lab.names), "no byte that arrived is thrown away"
    lab.fleet.lab("fault", "power-on", "registry")
    lab.fleet.lab("fault", "delay", "0", "registry")
    back = time.monotonic()
    for host, record in during.items():
        assert record["state"] != "waiting: operator", f"a registry that is down needs no operator: {host} {record}"
    for host in lab.names:
        lab.wait_step(host, "fetch", "done", 400.0)
    took = time.monotonic() - back
    states = ", ".join(f"{host} {before[host] / 1e6:.0f} MB, {during[host].get('state')}" for host in lab.names)
    lab.saw("registry down for 2 min in mid-pull", f"{states}; complete {took:.0f} s after it was back")


def test_without_the_plane_after_the_fetch_kubeadm_init_killed_and_power_cut_gives_the_same_ca(
    lab: Cases, outage: ExitStack
) -> None:
    outage.enter_context(lab.plane_off())  # to the end of the formation
    Strike(lab, "edge1", f"test -e /etc/kubernetes/manifests/etcd.yaml && {LISTENS}", "pkill -9 -x kubeadm").done(300.0)
    ca = lab.ca("edge1")
    assert ca, "the CA is there when etcd listens"
    record = lab.wait_step("edge1", "init", "failed", 30.0)
    assert record["attempt"] == 1 and record["state"] == "failed"
    until("the second attempt", 60.0, lambda: lab.step("edge1", "init").get("attempt") == 2, 0.3)
    lab.cut_at("edge1", KUBEADM, 60.0)
    assert lab.attempts("edge2", "init") == lab.attempts("edge3", "init") == 0, "nobody else forms the cluster"
    lab.power_on("edge1")
    record = lab.wait_step("edge1", "init", "done", 400.0)
    assert record["attempt"] == 3 and lab.ca("edge1") == ca, "CA and data of the first attempt are used again"
    assert lab.voters("edge1") == ["edge1"]
    lab.saw(
        "kubeadm init killed once; power cut in init (2)", f"done in attempt {record['attempt']}, same CA {ca[:12]}"
    )


def test_kubeadm_join_of_a_control_plane_killed_as_learner_is_finished(lab: Cases) -> None:
    upload = Strike(lab, "edge1", "pid=$(pgrep -f '[k]ubeadm init phase upload-certs')", "kill -9 $pid && echo killed")
    printed = Strike(lab, "edge2", *kill_kubeadm("test -e /etc/kubernetes/manifests/etcd.yaml")).done(500.0)
    learner = [member["ID"] for member in lab.etcd("edge1") if member.get("isLearner")]
    assert "killed" in printed and learner, f"kubeadm is killed while its member is a learner: {printed}"
    record = lab.wait_step("edge2", "join-control-plane", "done", 500.0)
    assert record["attempt"] == 2, "the learner is made a voter and the join is finished, without a reset"
    assert "edge2" in lab.voters("edge2") and lab.ca("edge2") == lab.ca("edge1")
    assert learner[0] in [member["ID"] for member in lab.etcd("edge2")], "it is the same member"
    errors = [row["error"] for row in lab.records("edge2") if row["name"] == "join-control-plane" and row["error"]]
    assert any("ended with" in error for error in errors), "the exit status of the killed program was found"
    seen = f"done in attempt {record['attempt']}, voters {', '.join(lab.voters('edge2'))}"
    lab.saw("kubeadm join of a control plane killed as learner", seen)
    assert "killed" in upload.done(1.0)
    failed = [row["error"] for row in lab.records("edge1") if row["name"] == "serve-join" and row["error"]]
    lab.saw("kubeadm upload-certs of the leader killed once", f"{failed[:1]}; the host was admitted")


def test_a_join_runs_once_whatever_happens_to_the_agent(lab: Cases) -> None:
    def joiner() -> str:
        return next((host for host in lab.names if lab.runs(host, "join-control-plane")), "")

    host = until("a control plane joins", 400.0, joiner, 0.3)
    step, before = lab.step(host, "join-control-plane")["step"], lab.attempts(host, "join-control-plane")
    run = lab.invocation(host, step)
    old = lab.kill_reconciler(host)
    until(
        "the reconciler is back", 30.0,
        lambda: lab.sh(host, f"systemctl show -p MainPID --value {RECONCILER}").strip() not in ("0", str(old)), 0.2,
    )  # fmt: skip
    lab.update(host)
    same = lab.invocation(host, step) in (run, "")
    lab.wait_step(host, "join-control-plane", "done", 500.0)
    assert same and lab.attempts(host, "join-control-plane") == before, "one program for each step"
    assert host in lab.voters(host) and lab.ca(host) == lab.ca("edge1")
    lab.saw("5: reconciler killed -9 and agent updated during a join", f"attempt {before}, the unit ran on")


def test_three_hosts_have_formed_one_cluster_without_the_plane_and_nothing_of_the_joins_is_left(
    lab: Cases, outage: ExitStack
) -> None:
    until("three voters", 500.0, lambda: lab.voters("edge1") == lab.names, 1.0)
    outage.close()  # the plane returns, and learns what its hosts have done alone
    lab.timed("plane back to healthy", lambda: lab.healthy(NAME, 3, 300.0))
    lab.kubeconfig(NAME)
    assert lab.ready(NAME) == lab.names
    assert [lab.attempts(host, "init") for host in lab.names] == [3, 0, 0], "never a second init"
    roles = lab.kubectl(NAME, "get", "nodes", "-o", "jsonpath={range .items[*]}{.metadata.labels}{'\\n'}{end}")
    assert roles.count("node-role.kubernetes.io/control-plane") == 3, "a killed join leaves no node without its role"
    until("no grant is open", 120.0, lambda: "edgewright.io/grant" not in str(lab.lease(NAME)), 2.0)
    secrets = lab.sh("edge1", f"{tokens()} | grep -c bootstrap-token || true").strip()
    assert secrets == "0", "a token ends with its join"
    lab.saw("1: plane stopped from the fetch to the end", "three hosts formed one cluster alone, and reported it later")


def test_hosts_of_the_lab_and_of_the_world_agree_in_order_and_end(lab: Cases, tmp_path: Path) -> None:
    document = agreement.document_of(lab, "edge1")
    faults = [("init", "kill -9", 1), ("join-control-plane", "kill -9", 3)]
    world = agreement.in_the_world(document, tmp_path, faults)
    real = agreement.in_the_lab(lab, NAME, document)
    assert real.order == world.order, "real hosts take the steps in the order of the World"
    assert real.end == world.end, "and end in the same state"
    lab.saw("World and lab", f"{sum(len(steps) for steps in real.order.values())} steps in one order, same end")


def test_kubeadm_join_of_a_worker_killed_once_joins_again(lab: Cases) -> None:
    reset = Strike(lab, "edge3", "pid=$(pgrep -x kubeadm)", "kill -9 $pid && echo killed")
    lab.run("--yes", "cluster", "release", NAME, "--host", "edge3")
    lab.timed("release of edge3", lambda: until("two voters", 300.0, lambda: lab.voters("edge1") == lab.names[:2], 1.0))
    lab.healthy(NAME, 2, 240.0)
    moment = "test -e /etc/kubernetes/bootstrap-kubelet.conf -o -e /etc/kubernetes/kubelet.conf"
    until("it is clean", 120.0, lambda: not (lab.var_lib("edge3") / "edgewright/kubernetes").exists(), 1.0)
    assert "killed" in reset.done(1.0) and not (lab.var_lib("edge3") / "etcd").exists()
    ended = [row["error"] for row in lab.records("edge3") if row["name"] == "release" and row["error"]]
    lab.saw("kubeadm reset killed once", f"attempts {lab.attempts('edge3', 'release')} {ended[:1]}; the host is clean")
    worker = Strike(lab, "edge3", *kill_kubeadm(moment))
    lab.form(NAME, ["edge1", "edge2"], ["edge3"])
    assert "killed" in worker.done(300.0)
    record = lab.wait_step("edge3", "join-worker", "done", 300.0)
    lab.timed("worker: to healthy", lambda: lab.healthy(NAME, 3, 200.0))
    assert record["attempt"] == 2 and lab.ready(NAME) == lab.names, "the second attempt is complete"
    labels = ("get", "node", "edge3", "-o", "jsonpath={.metadata.labels}")
    role = "node-role.kubernetes.io/worker"
    until("the role, set by the leader's next look", 60.0, lambda: role in lab.kubectl(NAME, *labels), 1.0)
    lab.saw("kubeadm join of a worker killed once", f"done in attempt {record['attempt']}")


def tokens() -> str:
    """Return the command that lists the tokens of a cluster on a control plane."""
    kubectl = "/run/edgewright/kubernetes/kubectl --kubeconfig=/etc/kubernetes/admin.conf"
    return f"{kubectl} -n kube-system get secrets --no-headers -o custom-columns=:metadata.name"
