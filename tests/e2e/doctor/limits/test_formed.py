"""Pods that wait for their settings and static pods that cannot be read, on a real cluster (`formed.py`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from edgewright.lab.kubernetes import build, versions
from tests.e2e.doctor.conftest import Count
from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_site import SETTLE, TIDY, CaseHost, Result, destructive, named, texts
from tests.e2e.doctor.limits.formed import FORMED, FORMED_RUNS, HEALTHY, WORDS
from tests.e2e.doctor.test_independent import matrix, rights
from tests.e2e.doctor.third.test_third import alarms
from tests.e2e.fleet import Fleet
from tests.support import missing

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def node(make_fleet: Callable[..., Fleet], tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseHost]:
    """Return the only host of a cluster that the agent has formed."""
    if not any(built.version == versions.DEFAULT for built in build.trees()):
        missing("kubernetes", f"build it: edgewright lab kubernetes build --version {versions.DEFAULT}")
    fleet = make_fleet("--hosts", "1", "--heartbeat", "10", "--kubernetes", versions.DEFAULT, "--cluster")
    (shown,) = fleet.status()["hosts"]
    host = CaseHost(int(shown["leader"]), str(shown["address"]), "", tmp_path_factory.mktemp("disks"))
    assert host.holds(FORMED_RUNS, 180), "its pods do not run"
    yield host


def read(host: CaseHost, case: Case) -> Result:
    """Make a fault, read the host, take the fault back."""
    host.run(case.inject)
    there = host.holds(case.proof, case.patience)
    time.sleep(SETTLE)
    try:
        examined, diagnosis = host.examine()
    finally:
        host.run(case.undo)
        back = "" if host.holds(FORMED_RUNS, 150) else "a pod of the cluster does not run"
        host.run(TIDY)
    return Result(case, there, named(diagnosis), texts(diagnosis), destructive(diagnosis), examined.seconds, back)


@pytest.mark.timeout(1800)
def test_healthy_clusters_give_no_alarm(node: CaseHost, count: Count) -> None:
    found, absent = {}, []
    for healthy in HEALTHY:
        node.run(healthy.case().inject)
        absent += [] if node.holds(healthy.proof, 60) else [healthy.name]
        time.sleep(SETTLE)
        found[healthy.name] = alarms(node, healthy.allowed)
        node.run(healthy.undo)
        print(f"{healthy.name}: {found[healthy.name] or 'no alarm'}", flush=True)
    count("healthy hosts", "formed", sum(not alarm for alarm in found.values()), len(found))
    assert absent == []
    assert {name: alarm for name, alarm in found.items() if alarm} == {}


@pytest.mark.timeout(1800)
def test_the_first_cause_is_right(node: CaseHost, count: Count) -> None:
    results = []
    for case in FORMED:
        results.append(read(node, case))
        each = results[-1]
        print(f"{case.name}: {each.named} {'' if each.there else 'NOT THERE'}", flush=True)
        print("\n".join(f"    {text}" for text in each.texts), flush=True)
    print(matrix(results), flush=True)
    count("faults", "formed", rights(results), len(results))
    assert [each.case.name for each in results if not each.there or each.destructive] == []
    assert [each.case.name for each in results if each.first not in each.case.first] == []
    first = {each.case.name: each.texts[0] for each in results}
    assert {name: text for name, text in first.items() if WORDS[name] not in text} == {}
