"""The second proof: faults of somebody who knows neither the rules nor the first proof (docs/doctor-results.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.doctor.conftest import Count
from tests.e2e.doctor.independent_site import CaseHost, at_rest, make_lab, make_site, result
from tests.e2e.doctor.second.independent2_more import GROUPS2, HEALTHY2, PAIRS2
from tests.e2e.doctor.test_independent import find_both, give_no_alarm, matrix, rights
from tests.e2e.fleet import Fleet

pytestmark = [pytest.mark.e2e]
MISSED2: set[str] = set()
"""50 of 57 were right in the run that counts (docs/doctor-results.md); each wrong one, alone, after the corrections."""
NODE = (False, True)


@pytest.fixture(scope="module")
def lab(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_lab(make_fleet)


@pytest.fixture(scope="module")
def second_host(
    lab: Fleet, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[CaseHost]:
    first, _ = make_site(lab, tmp_path_factory.mktemp("disks"), node=bool(request.param))
    yield from at_rest(first)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("second_host", "group"), [(name in list(GROUPS2)[2:], name) for name in GROUPS2], indirect=["second_host"]
)
def test_the_first_cause_is_right(second_host: CaseHost, group: str, count: Count) -> None:
    results = []
    for case in GROUPS2[group]:
        results.append(result(second_host, case, case.node))
        print(f"{case.name}: {results[-1].named} {'' if results[-1].there else 'NOT THERE'}", flush=True)
    print(matrix(results), flush=True)
    count("faults", group, rights(results), len(results))
    assert [each.case.name for each in results if not each.there] == []
    assert [each.case.name for each in results if each.destructive] == []
    assert {each.case.name for each in results if each.first not in each.case.first} <= MISSED2


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("second_host", "node"), [(node, node) for node in NODE], indirect=["second_host"])
def test_pairs_of_the_second_proof(second_host: CaseHost, node: bool, count: Count) -> None:
    find_both(second_host, PAIRS2, node, count)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("second_host", "node"), [(node, node) for node in NODE], indirect=["second_host"])
def test_odd_but_healthy_hosts_give_no_alarm(second_host: CaseHost, node: bool, tmp_path: Path, count: Count) -> None:
    give_no_alarm(second_host, HEALTHY2, node, tmp_path, count)
