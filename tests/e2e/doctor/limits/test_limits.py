"""Limits of the kernel, proxies, upgrades and what pods wait for, on real hosts (`cases.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.doctor.conftest import Count
from tests.e2e.doctor.independent import Case
from tests.e2e.doctor.independent_site import CaseHost, at_rest, make_lab, make_site
from tests.e2e.doctor.limits.cases import HEALTHY, LIMITS, WAITS, WORDS
from tests.e2e.doctor.test_independent import matrix, rights
from tests.e2e.doctor.third.cluster import make_cluster
from tests.e2e.doctor.third.more import Kind
from tests.e2e.doctor.third.test_third import alarms, read, take
from tests.e2e.fleet import Fleet

pytestmark = [pytest.mark.e2e]
GROUPS: dict[Kind, tuple[Case, ...]] = {"host": LIMITS, "cluster": WAITS}


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_lab(make_fleet)


@pytest.fixture(scope="module")
def host(lab: Fleet, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[CaseHost]:
    kind: Kind = request.param
    first, _ = make_site(lab, tmp_path_factory.mktemp("disks"), node=kind != "host")
    if kind == "cluster":
        assert make_cluster(first) == ""
    yield from at_rest(first)


def said(host: CaseHost) -> list[str]:
    """Return what the proofs of a case have written, in the host and in its neighbour."""
    both = (host, host.others or host)
    return [
        line for each in both for line in each.run("cat /run/case-said 2>/dev/null; rm -f /run/case-said").splitlines()
    ]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("host", "kind"), [(kind, kind) for kind in GROUPS], indirect=["host"])
def test_the_first_cause_is_right(host: CaseHost, kind: Kind, count: Count) -> None:
    results = []
    for case in GROUPS[kind]:
        results.append(read(host, case, kind))
        each = results[-1]
        print(f"{case.name}: {each.named} {'' if each.there else 'NOT THERE'}", flush=True)
        print("\n".join(f"    {text}" for text in (*said(host), *each.texts)), flush=True)
    print(matrix(results), flush=True)
    count("faults", kind, rights(results), len(results))
    assert [each.case.name for each in results if not each.there] == []
    assert [each.case.name for each in results if each.destructive] == []
    assert [each.case.name for each in results if each.first not in each.case.first] == []
    first = {each.case.name: each.texts[0] for each in results}
    assert {name: text for name, text in first.items() if WORDS.get(name, "") not in text} == {}


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("host", "kind"), [(kind, kind) for kind in GROUPS], indirect=["host"])
def test_healthy_hosts_give_no_alarm(host: CaseHost, kind: Kind, count: Count) -> None:
    found, absent = {}, []
    for healthy in HEALTHY[kind]:
        there = host.make(healthy.case())
        try:
            found[healthy.name] = alarms(host, healthy.allowed)
        finally:
            take(host, healthy.case(), kind)
        print(f"{healthy.name}: {found[healthy.name] or 'no alarm'} {'' if there else 'NOT THERE'}", flush=True)
        absent += [] if there else [healthy.name]
    count("healthy hosts", kind, sum(not alarm for alarm in found.values()), len(found))
    assert absent == []
    assert {name: alarm for name, alarm in found.items() if alarm} == {}
