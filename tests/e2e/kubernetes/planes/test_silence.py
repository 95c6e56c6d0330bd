"""The host that forms the cluster is cut off as soon as its etcd runs, and an operator waits: never a second cluster.

`EDGEWRIGHT_SILENCE` is for how many seconds; the case of the design is 1800.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.fleet import Fleet, until
from tests.e2e.kubernetes.cases import Cases, Strike, cases_lab
from tests.support import missing

SILENCE = float(os.environ.get("EDGEWRIGHT_SILENCE") or 150.0)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(int(1500 + SILENCE))]
NAME, FIRST = "silent", "edge1"
ETCD = "test -e /etc/kubernetes/manifests/etcd.yaml && ss -ltnH 'sport = :2379' | grep -q ."


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Iterator[Cases]:
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    made = cases_lab(make_fleet, versions.DEFAULT, "--heartbeat", "5", "--silence-limit", "30")
    yield made
    print("\n" + made.table())


def test_a_host_that_is_cut_off_while_it_forms_the_cluster_is_waited_for_and_nobody_else_forms_one(lab: Cases) -> None:
    lab.form(NAME, lab.names)
    others = [host for host in lab.names if host != FIRST]
    Strike(lab, FIRST, ETCD).done(500.0)
    for other in ("hub", *others):
        for pair in ((FIRST, other), (other, FIRST)):
            lab.fleet.lab("fault", "oneway", *pair)  # its link stays up
    began = time.monotonic()
    try:
        until("the plane misses it", 120.0, lambda: f"{FIRST} is unhealthy" in shown(lab), 1.0)
        while time.monotonic() - began < SILENCE:
            assert [lab.attempts(host, "init") for host in others] == [0, 0], "nobody else forms the cluster"
            assert not any((lab.var_lib(host) / "etcd").exists() for host in others)
            time.sleep(10.0)
        seen = shown(lab)
        ca = lab.ca(FIRST)
    finally:
        lab.fleet.lab("fault", "clear")
    back = time.monotonic()
    lab.timed("contact again to healthy", lambda: lab.healthy(NAME, 3))
    lab.kubeconfig(NAME)
    assert lab.ready(NAME) == lab.names and lab.voters(FIRST) == lab.names
    assert [lab.attempts(host, "init") for host in others] == [0, 0] and {lab.ca(host) for host in lab.names} == {ca}
    text = f"{back - began:.0f} s cut off; init attempts {lab.attempts(FIRST, 'init')}; shown: {seen}"
    lab.saw("1: the host that forms is cut off after etcd has started", text)


def shown(lab: Cases) -> str:
    """Return what the plane shows an operator of the cluster and of the host."""
    host = lab.fleet.plane().judgement(lab.fleet.uid(FIRST))
    state = f"{FIRST} is {host.get('healthState')}"
    lines = [line.strip() for line in lab.shown(NAME).splitlines() if FIRST in line]
    return "; ".join([state, *lines])
