"""Three control planes: a partition, slow disks, power cuts of all, a removed member that returns with its old disk.

From harmless to destructive, on one cluster; the tests follow each other.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet, product, until
from tests.e2e.kubernetes.cases import Cases, cases_lab
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]
NAME = "three"
MOVES = 25.0
"""Seconds within which the VIP is on the majority's side only."""
SLOW = 25.0
"""Seconds for which no etcd writes: longer than the 15 s that the check of the VIP allows."""


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = cases_lab(make_fleet, versions.DEFAULT, "--heartbeat", "5", "--silence-limit", "30")
    made.form(NAME, made.names)
    made.timed("three control planes: apply to healthy", lambda: made.healthy(NAME, 3))
    made.kubeconfig(NAME)
    until("the VIP has a holder", 60.0, lambda: len(holders(made)) == 1, 1.0)
    yield made
    print("\n" + made.table())


def holders(lab: Cases) -> list[str]:
    """Return the hosts that have the VIP on an interface."""
    return [host for host in lab.names if lab.sh(host, f"ip -o address show to {lab.vip}", check=False)]


def plane_vip(lab: Cases) -> str:
    """Return who has the VIP as the plane shows it: none, one, two or unknown."""
    done = product(lab.env, "cluster", "show", NAME, "-o", "json")
    try:
        shown = json.loads(done.stdout)
    except ValueError:
        return ""
    return str((((shown.get("status") or {}).get("edgewright") or {}).get("vip") or {}).get("state") or "")


def answers(lab: Cases) -> bool:
    """Return whether the API answers through the VIP."""
    return lab.kubectl(NAME, "--request-timeout=2s", "get", "--raw", "/readyz", check=False) == "ok"


class Watch:
    """Looks at something again and again in a thread; `seen` are (seconds since the begin, value), changes only."""

    def __init__(self, look: Callable[[], object], every: float = 0.3) -> None:
        self.began, self.seen = time.monotonic(), list[tuple[float, object]]()
        self._look, self._every, self._end = look, every, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(self._every):
            value = self._look()
            if not self.seen or self.seen[-1][1] != value:
                self.seen.append((round(time.monotonic() - self.began, 1), value))

    def stop(self) -> list[tuple[float, object]]:
        """Return what was seen."""
        self._end.set()
        self._thread.join(30.0)
        return self.seen


def test_a_minority_gives_the_vip_up_and_two_owners_are_shown_meanwhile(lab: Cases) -> None:
    (holder,) = holders(lab)
    others = [host for host in lab.names if host != holder]
    lease = lab.leading(NAME)
    for other in others:
        for pair in ((holder, other), (other, holder)):
            lab.fleet.lab("fault", "oneway", *pair)  # links stay up, and so does the way to the plane
    began = time.monotonic()
    plane = Watch(lambda: plane_vip(lab), 0.5)
    hosts = Watch(lambda: tuple(holders(lab)))
    try:
        until("the VIP on the majority's side only", 90.0, lambda: holders(lab) and holder not in holders(lab), 0.3)
        took = time.monotonic() - began
        until("the API answers through the VIP", 10.0, lambda: answers(lab), 0.5)
        time.sleep(5.0)  # the last reports
    finally:
        owned, shown = hosts.stop(), plane.stop()
        lab.fleet.lab("fault", "clear")
    text = f"moved in {took:.1f} s from {holder} to {holders(lab)}; hosts {owned}; plane {shown}; leader was {lease}"
    lab.saw("6: partition of the VIP's holder with the link up", text)
    assert took <= MOVES, "an isolated owner gives the VIP up within 25 s"
    assert any(len(value) == 2 for _, value in owned if isinstance(value, tuple)), "both sides had it meanwhile"
    assert "two" in [value for _, value in shown], "the plane shows two owners meanwhile"
    until("three ready nodes again", 120.0, lambda: lab.ready(NAME) == lab.names, 2.0)
    assert len(holders(lab)) == 1


def test_disks_that_are_slow_on_all_three_move_nothing(lab: Cases) -> None:
    (holder,) = holders(lab)
    until("all voters", 60.0, lambda: lab.voters(holder) == lab.names, 2.0)
    watch = Watch(lambda: tuple(holders(lab)))
    for host in lab.names:
        lab.sh(host, "pkill -STOP -x etcd")
    time.sleep(SLOW)
    for host in lab.names:
        lab.sh(host, "pkill -CONT -x etcd")
    until("the API answers again", 60.0, lambda: answers(lab), 0.5)
    seen = watch.stop()
    lab.saw("6: no etcd writes for 25 s on all three", f"VIP {seen}")
    assert [value for _, value in seen] == [(holder,)], "a lost quorum with reachable peers leaves the VIP where it is"


def test_three_hosts_without_power_at_once_come_back_as_the_same_cluster(lab: Cases) -> None:
    lab.kubectl(NAME, "create", "configmap", "kept", "--from-literal=text=stored")
    ca, uid = lab.ca("edge1"), lab.kubectl(NAME, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
    attempts = {host: lab.attempts(host, "init") + lab.attempts(host, "join-control-plane") for host in lab.names}
    lab.power_cut(*lab.names)
    began = time.monotonic()
    for host in reversed(lab.names):  # in another order
        lab.power_on(host)
    until("the API through the VIP", 240.0, lambda: answers(lab), 1.0)
    api = time.monotonic() - began
    until("three ready nodes", 240.0, lambda: lab.ready(NAME) == lab.names, 1.0)
    took = time.monotonic() - began
    stored = lab.kubectl(NAME, "get", "configmap", "kept", "-o", "jsonpath={.data.text}")
    assert stored == "stored" and lab.ca("edge1") == ca, "the same data and the same CA"
    assert lab.kubectl(NAME, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}") == uid
    after = {host: lab.attempts(host, "init") + lab.attempts(host, "join-control-plane") for host in lab.names}
    assert after == attempts, "nothing forms or joins again"
    until("one owner of the VIP", 60.0, lambda: len(holders(lab)) == 1, 1.0)
    lab.saw("all three power-cut at once", f"API through the VIP {api:.0f} s, three ready {took:.0f} s after power-on")


DAMAGE = """
set -e
pkill -9 -x etcd || true
dd if=/dev/zero of=/var/lib/etcd/member/snap/db bs=4096 count=64 conv=notrunc 2>/dev/null
pkill -9 -x etcd || true
"""
"""The first pages of etcd's database, without which it does not start."""


def test_a_control_plane_whose_etcd_data_is_damaged_is_released_and_joins_again(lab: Cases) -> None:
    (holder,) = holders(lab)
    until("all voters", 120.0, lambda: lab.voters(holder) == lab.names, 2.0)
    damaged = next(host for host in lab.names if host != holder)
    rest = [host for host in lab.names if host != damaged]
    watch = Watch(lambda: answers(lab), 1.0)
    lab.sh(damaged, DAMAGE)
    shown = lab.timed(
        "damaged etcd: shown", lambda: until("a problem is shown", 120.0, lambda: problems(lab, damaged), 1.0)
    )
    assert lab.voters(holder) == lab.names, "nothing is removed without an operator"
    lab.run("--yes", "cluster", "release", NAME, "--host", damaged)
    lab.timed("damaged etcd: released", lambda: until("left", 300.0, lambda: left(lab, damaged, rest), 1.0))
    until("it is clean", 120.0, lambda: not (lab.var_lib(damaged) / "etcd").exists(), 2.0)
    lab.form(NAME, lab.names)
    lab.timed("damaged etcd: joined again", lambda: lab.healthy(NAME, 3))
    assert lab.voters(holder) == lab.names
    answered = [value for _, value in watch.stop()]
    assert answered.count(False) <= 1, f"the others keep quorum: {answered}"
    lab.saw("14: etcd data of one of three damaged", f"{shown}; released, joined again; API {answered}")


def problems(lab: Cases, host: str) -> list[str]:
    """Return what the plane shows as wrong with a host of the cluster."""
    rows = lab.show(NAME)["status"]["edgewright"]["problems"]
    return [str(row["text"]) for row in rows if host in row["hosts"]]


def test_a_removed_control_plane_that_returns_with_its_old_disk_is_recognised(lab: Cases) -> None:
    (holder,) = holders(lab)
    gone = next(host for host in reversed(lab.names) if host != holder)
    rest = [host for host in lab.names if host != gone]
    lab.power_cut(gone)
    until("the plane misses it", 200.0, lambda: forgotten(lab, gone), 3.0)
    lab.timed("a lost control plane is removed", lambda: until("removed", 300.0, lambda: left(lab, gone, rest), 1.0))
    watch = Watch(lambda: answers(lab), 1.0)
    lab.power_on(gone)
    time.sleep(45.0)  # more than one look of its reconciler
    assert lab.voters(rest[0]) == rest, "etcd of the others does not take the old disk back"
    waits = lab.shown(NAME)
    step = lab.step(gone, "join-control-plane")
    nodes = lab.kubectl(NAME, "get", "nodes", "--no-headers")
    lab.saw("10: removed member is back with its old disk", f"{step.get('state')}; nodes {nodes.split()}")
    assert step.get("state") != "running" and gone not in lab.ready(NAME), "a host that was removed is no node"
    lab.run("--yes", "host", "reset", gone)
    until("it is clean", 240.0, lambda: not (lab.var_lib(gone) / "etcd").exists(), 2.0)
    lab.form(NAME, lab.names)
    lab.timed("it joins again", lambda: lab.healthy(NAME, 3))
    assert lab.voters(rest[0]) == lab.names
    answered = [value for _, value in watch.stop()]
    assert answered.count(False) <= 1, f"the others keep quorum: {answered}"
    lab.saw(
        "10: after a reset it joins again", f"voters {lab.voters(rest[0])}; API {answered}; {waits.count('waiting')}"
    )


def forgotten(lab: Cases, host: str) -> bool:
    """Declare a host lost; the plane refuses it as long as it counts the host as in contact."""
    return product(lab.env, "--yes", "cluster", "forget", NAME, "--host", host).returncode == 0


def left(lab: Cases, host: str, rest: list[str]) -> bool:
    """Return whether etcd, nodes and the plane know a host no more."""
    members = [str(member["name"]) for member in json.loads(lab.run("cluster", "show", NAME, "-o", "json"))[
        "status"]["edgewright"]["members"]]  # fmt: skip
    return lab.voters(rest[0]) == rest and lab.ready(NAME) == rest and host not in " ".join(members)


def test_a_removal_that_costs_quorum_is_refused_with_its_numbers_and_two_at_once_leave_one_after_the_other(
    lab: Cases,
) -> None:
    (holder,) = holders(lab)
    until("all voters", 120.0, lambda: lab.voters(holder) == lab.names, 2.0)
    first, second = sorted([host for host in lab.names if host != holder], key=lambda host: host == lab.leading(NAME))
    done: dict[str, tuple[int, str]] = {}

    def release(host: str) -> None:
        ended = product(lab.env, "--yes", "cluster", "release", NAME, "--host", host, timeout=120.0)
        done[host] = (ended.returncode, (ended.stdout + ended.stderr).strip())

    lab.power_cut(first)
    release(second)
    reason = f"{second} stays in etcd: etcd would have no quorum: 1 of 2 voters healthy afterwards, 2 are needed"
    lab.timed("removal that costs quorum: refused", lambda: lab.wait_shown(NAME, reason, 360.0))
    assert lab.voters(holder) == lab.names and answers(lab), "it is refused as long as the other one is away"
    lab.saw("15: removal while another control plane has no power", reason)
    lab.power_on(first)
    release(first)
    voters = Watch(lambda: len(lab.voters(holder)), 1.0)
    refused = [host for host, (code, _) in done.items() if code]
    try:
        lab.timed("two released at once", lambda: until("left", 400.0, lambda: settled(lab, holder, refused), 2.0))
    finally:
        seen = voters.stop()
        lab.saw("15: two control planes removed at once", f"{done}; voters {seen}")
    assert answers(lab), "the cluster works on"
    counts = [int(str(value)) for _, value in seen if value]
    assert counts == sorted(counts, reverse=True) and min(counts) >= 1, "one after the other"


def settled(lab: Cases, holder: str, refused: list[str]) -> bool:
    """Return whether exactly the hosts whose release was refused are left beside the holder."""
    return lab.voters(holder) == sorted([holder, *refused]) and lab.ready(NAME) == sorted([holder, *refused])
