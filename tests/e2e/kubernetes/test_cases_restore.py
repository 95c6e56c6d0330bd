"""What must not touch a running cluster: copies of its host, a plane from an older backup, a plane that is lost.

A cluster of one host; the two others are made copies of it. The tests follow each other.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgewright.lab.kubernetes import build, versions
from edgewright.wire import protocol
from tests.e2e.fleet import UNIT, Fleet, Plane, product, until
from tests.e2e.kubernetes import agreement
from tests.e2e.kubernetes.cases import RECONCILER, Cases, cases_lab
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
NAME, HOST, COPY, NAMESAKE = "older", "edge1", "edge2", "edge3"
WATCHED = 75.0
"""Seconds for which the host is watched: more than one look of its reconciler, and many heartbeats."""
ALONE = 40.0
"""Seconds for which a host is watched whose plane has another certificate, and one whose plane does not know it."""
MACHINE_ID = "/etc/machine-id"
SAME = "the same machine-id"


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = cases_lab(make_fleet, versions.DEFAULT, "--heartbeat", "5")
    made.run("hub", "backup", str(backup(made)), "--data", str(hub_data(made)))
    made.form(NAME, [HOST])
    made.timed("one node: apply to healthy", lambda: made.healthy(NAME, 1))
    made.kubeconfig(NAME)
    yield made
    print("\n" + made.table())


def hub_data(lab: Cases) -> Path:
    """Return the data folder of the plane."""
    return lab.fleet.folder / "lab" / "hub"


def backup(lab: Cases) -> Path:
    """Return the file with the backup that is older than the cluster."""
    return lab.fleet.folder / "before.backup"


def started(lab: Cases, since: int) -> list[str]:
    """Return the steps that have started on the host of the cluster since a number of records."""
    return [row["name"] for row in lab.records(HOST)[since:] if row["state"] == "running"]


def works(lab: Cases, seconds: float) -> None:
    """Watch the cluster for some time: its node is ready at each look."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        assert lab.ready(NAME) == [HOST], "the cluster works on"
        time.sleep(5.0)


def join(lab: Cases, worker: str) -> tuple[int, str]:
    """Apply the cluster with a worker, named by its uid; returns exit code and what was printed."""
    pools = [
        {"name": "control-planes", "role": "control-plane", "works": True, "hosts": [lab.fleet.uid(HOST)]},
        {"name": "workers", "hosts": [worker]},
    ]
    answers = {"profiles": [{"name": "lab"}], "vip": lab.vip, "pools": pools}
    path = lab.folder / "joins.yaml"
    lab.write(path, {"apiVersion": "edgewright/v1", "kind": "Cluster", "metadata": {"name": NAME}, "answers": answers})
    done = product(lab.env, "--yes", "apply", "-f", str(path), timeout=120.0)
    return done.returncode, done.stdout + done.stderr


def report_again(lab: Cases, host: str, what: Callable[[], bool]) -> None:
    """Let a host report its facts once more, until the plane has them."""
    lab.sh(host, f"systemctl restart {UNIT}")
    until(f"the plane has the facts of {host}", 60.0, what, 0.5)


def alert(lab: Cases) -> str:
    """Return the alert of two records of one machine, the empty text without one."""
    status, page = lab.fleet.plane().ask("GET", "/edgewright/v1/alerts")
    assert status == 200, page
    return str(next((row["message"] for row in page["items"] if row["kind"] == "duplicate-hardware"), ""))


def test_a_copy_of_a_member_that_the_plane_does_not_know_as_one_is_refused_by_its_host(lab: Cases) -> None:
    before, ca = len(lab.records(HOST)), lab.ca(HOST)
    lab.sh(COPY, f"systemctl stop {UNIT}")  # it reports facts that have changed: the plane shall have the old ones
    lab.sh(COPY, f"cp -p {MACHINE_ID} /root/machine-id")
    lab.sh(COPY, f"echo {lab.sh(HOST, f'cat {MACHINE_ID}').strip()} > {MACHINE_ID}")
    code, text = join(lab, lab.fleet.uid(COPY))
    assert code == 0, f"the plane has facts from before the copy: {text}"
    lab.sh(COPY, f"systemctl start {UNIT}")
    sentence = f"{HOST} ({lab.address(HOST)}) has {SAME} as this host"
    lab.timed("a copy joins: refused by itself", lambda: lab.wait_shown(NAME, sentence, 120.0))
    shown = line_with(lab.shown(NAME), sentence)
    assert COPY in shown, f"both hosts are named: {shown}"
    works(lab, 20.0)
    assert not {"init", "join-worker", "join-control-plane", "release", "delete"} & set(started(lab, before))
    assert lab.attempts(COPY, "join-worker") == 0 and lab.ca(HOST) == ca
    lab.run("--yes", "cluster", "release", NAME, "--host", COPY)
    lab.timed("the copy is released", lambda: until("one host", 240.0, lambda: alone(lab), 1.0))
    lab.saw("11: a copy (machine-id) joins, old facts", shown)


def alone(lab: Cases) -> bool:
    """Return whether the plane has the cluster with its one host, healthy."""
    cluster = lab.show(NAME)["status"]["edgewright"]
    return cluster["hosts"] == 1 and "Running, healthy" in lab.shown(NAME)


def test_a_copy_of_a_member_is_refused_by_the_plane_with_both_named(lab: Cases) -> None:
    before = len(lab.records(HOST))
    report_again(lab, COPY, lambda: bool(alert(lab)))
    message = alert(lab)
    assert lab.fleet.uid(HOST) in message and lab.fleet.uid(COPY) in message and "machine-id" in message
    code, text = join(lab, lab.fleet.uid(COPY))
    assert code == 7 and f"{HOST} and {COPY} have {SAME}" in text, text
    assert alone(lab) and started(lab, before) == [], "the running cluster is not touched"
    lab.sh(COPY, f"cat /root/machine-id > {MACHINE_ID}")
    report_again(lab, COPY, lambda: not alert(lab))
    lab.saw("11: a copy (machine-id) joins, facts of the plane", f"{line_with(text, SAME)}; alert: {message}")


def test_a_host_with_the_name_of_a_member_is_refused_with_both_named(lab: Cases) -> None:
    before, uids = len(lab.records(HOST)), (lab.fleet.uid(HOST), lab.fleet.uid(NAMESAKE))
    name_host(lab, NAMESAKE, HOST)
    until("the name is that of two hosts", 60.0, lambda: "2 hosts are called" in refused(lab), 0.5)
    said = refused(lab)
    assert all(uid in said for uid in uids), f"a name of two hosts is no answer: {said}"
    code, text = join(lab, uids[1])
    assert code == 7 and "same node name edge1" in text and all(uid in text for uid in uids), text
    assert alone(lab) and started(lab, before) == [], "the running cluster is not touched"
    name_host(lab, NAMESAKE, NAMESAKE)
    until("the name is that of one host", 60.0, lambda: not refused(lab), 0.5)
    lab.saw("11: a host with the name of a member joins", f"{line_with(text, 'same node name')}; {said.strip()}")


def line_with(text: str, part: str) -> str:
    """Return the line of a text that has a part."""
    return next(line.strip() for line in text.splitlines() if part in line)


def name_host(lab: Cases, host: str, name: str) -> None:
    """Give a host another name in the plane's record, which has the name of its registration otherwise."""
    status, answer = lab.fleet.plane().ask("PUT", f"/v1/edgehosts/{lab.fleet.uid(host)}", {"metadata": {"name": name}})
    assert status == 204, answer


def refused(lab: Cases) -> str:
    """Return why the name of the member is no answer, the empty text when it names one host."""
    done = product(lab.env, "host", "show", HOST)
    return done.stderr if done.returncode else ""


def test_a_plane_that_is_older_than_the_cluster_releases_nothing(lab: Cases) -> None:
    before, data = len(lab.records(HOST)), hub_data(lab)
    lab.fleet.lab("fault", "power-cut", "hub")
    data.rename(data.with_name("hub-old"))
    lab.run("hub", "restore", str(backup(lab)), "--data", str(data))
    for name in ("admin-api-key", "ca.crt"):
        if not (data / name).exists():
            shutil.copy2(data.with_name("hub-old") / name, data / name)
    lab.fleet.lab("fault", "power-on", "hub")
    plane = lab.fleet.plane()
    beats = until("the host is known", 60.0, lambda: plane.judgement(lab.fleet.uid(HOST)).get("heartbeats"), 1.0)
    works(lab, WATCHED)
    after = plane.judgement(lab.fleet.uid(HOST)).get("heartbeats")
    assert after > beats, "the host reports to the restored plane"
    unasked = {"release", "delete", "init"} & set(started(lab, before))
    assert not unasked, f"no host releases or forms by itself: {unasked}"
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


def adopt(lab: Cases, case: str) -> None:
    """Adopt the cluster as an operator does; nothing changes on its host."""
    before, ca = len(lab.records(HOST)), lab.ca(HOST)
    lab.run("--yes", "cluster", "adopt", NAME)
    lab.timed(f"{case}: adopt to healthy", lambda: lab.wait_shown(NAME, "Running, healthy", 240.0))
    assert started(lab, before) == [], f"the document is the same: no step starts ({started(lab, before)})"
    lab.kubeconfig(NAME)
    assert lab.ready(NAME) == [HOST] and lab.ca(HOST) == ca
    lab.saw(f"{case}: adopted by an operator", "healthy, kubeconfig handed out, no step started")


def test_an_operator_adopts_the_cluster_and_nothing_changes_on_its_host(lab: Cases) -> None:
    adopt(lab, "4")


def contents(plane: Plane, digests: set[str]) -> set[str]:
    """Return which contents of layers a plane has."""
    status, page = plane.ask("GET", protocol.BLOBS)
    assert status == 200, page
    return digests & {row["digest"] for row in page["items"] if row["complete"]}


def test_a_plane_that_is_lost_without_a_backup_is_replaced_and_its_cluster_adopted(lab: Cases) -> None:
    """Another plane at the same address: other certificates, an empty database; hosts get its CA and a token of it."""
    before, data, hub = len(lab.records(HOST)), hub_data(lab), lab.fleet.shown["hub"]
    layers = agreement.document_of(lab, HOST).layers
    digests = {digest for layer in layers for digest in (*layer.content, layer.values) if digest}
    lab.fleet.lab("fault", "power-cut", "hub")
    ca = Path(hub["ca"]).read_bytes()
    data.rename(data.with_name("hub-lost"))
    lab.fleet.lab("fault", "power-on", "hub")
    assert Path(hub["ca"]).read_bytes() != ca
    lab.run("context", "add", "next", "--url", hub["url"], "--ca", hub["ca"], "--api-key-file", hub["apiKeyFile"])
    lab.run("context", "use", "next")
    works(lab, ALONE)
    assert lab.fleet.plane().hosts() == {}, "hosts talk to no plane whose certificate they cannot check"
    _, token = lab.fleet.plane().make_token("after-the-loss")
    new = Path(hub["ca"]).read_text()
    lab.sh(HOST, f"cat > /etc/edgewright/ca.crt <<'END'\n{new}END\nprintf '%s\\n' {token} > /etc/edgewright/token")
    lab.timed("4: registered with the other plane", lambda: until("it is known", 120.0, lambda: registered(lab), 1.0))
    lab.sh(HOST, f"systemctl start {RECONCILER}")
    works(lab, ALONE)
    assert started(lab, before) == [], "no host releases or forms by itself"
    until("the plane lists the cluster", 330.0, lambda: unknown(lab), 2.0)
    plane = lab.fleet.plane()
    assert digests and not contents(plane, digests), "the other plane has nothing of its layers"
    adopt(lab, "4, plane lost")
    lab.timed(
        "4: content handed over", lambda: until("content", 120.0, lambda: contents(plane, digests) == digests, 2.0)
    )
    types = [row["type"] for row in conditions(lab) if row["status"] == "True"]
    assert "ContentMissing" not in types, types
    lab.run("--yes", "cluster", "delete", NAME)
    lab.timed(
        "4: delete by the other plane",
        lambda: until("clean", 300.0, lambda: not (lab.var_lib(HOST) / "etcd").exists(), 1.0),
    )
    lab.saw("4: plane lost, another one", f"{len(digests)} contents handed over; nothing started until it was deleted")


def registered(lab: Cases) -> bool:
    """Return whether the plane has the host of the cluster."""
    return lab.fleet.uid(HOST) in lab.fleet.plane().hosts()


def conditions(lab: Cases) -> list[dict[str, str]]:
    """Return the conditions of the cluster."""
    status = lab.show(NAME)["status"]
    rows: list[dict[str, str]] = status.get("conditions") or status["edgewright"]["conditions"]
    return rows
