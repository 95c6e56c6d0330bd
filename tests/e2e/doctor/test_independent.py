"""The faults of somebody who has not read Doctor's rules, run once each; docs/doctor-results.md has the printed figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from edgewright.core.doctor.findings import UNSURE
from tests.e2e.doctor.conftest import Count
from tests.e2e.doctor.independent import STORAGE, SYSTEM, Case
from tests.e2e.doctor.independent_more import HEALTHY, PAIRS, Healthy, Pair
from tests.e2e.doctor.independent_node import CERTIFICATES, ETCD, IMAGES, RUNTIMES
from tests.e2e.doctor.independent_plane import NETWORKS, TRUST
from tests.e2e.doctor.independent_site import (
    CaseHost,
    Result,
    at_rest,
    destructive,
    make_lab,
    make_site,
    named,
    result,
    texts,
)
from tests.e2e.fleet import Fleet

pytestmark = [pytest.mark.e2e]
MISSED: set[str] = set()
"""66 of 79 were right in the run that counts (docs/doctor-results.md); each wrong one, alone, after the corrections."""
GROUPS: dict[str, Sequence[Case]] = {
    "storage and system": (*STORAGE, *SYSTEM),
    "network and plane": (*NETWORKS, *TRUST),
    "runtime and images": (*RUNTIMES, *IMAGES),
    "certificates and etcd": (*CERTIFICATES, *ETCD),
}
BUSYBOX = """
mkdir -p /opt/tiny/bin /opt/tiny/proc /opt/tiny/sys /opt/tiny/dev /opt/tiny/etc /opt/tiny/tmp /opt/tiny/var/log
ldd /usr/bin/busybox | grep -o '/[^ ]*' | while read f; do mkdir -p /opt/tiny/$(dirname $f); cp -L $f /opt/tiny/$f; done
cp /usr/bin/busybox /opt/tiny/bin/busybox; cp /opt/tiny/bin/busybox /opt/tiny/bin/sh
mount -t proc proc /opt/tiny/proc
for f in sys dev; do mount --rbind /$f /opt/tiny/$f; mount --make-rslave /opt/tiny/$f; done
"""


class TinyHost(CaseHost):
    """The same host as one that has nothing but BusyBox sees it."""

    def words(self) -> list[str]:
        """Return the command line of BusyBox's shell in its own root."""
        inside = ["nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--"]
        return [
            *inside,
            "/usr/sbin/chroot",
            "/opt/tiny",
            "/bin/busybox",
            "env",
            "-i",
            "PATH=/bin",
            "HOME=/",
            "/bin/busybox",
            "ash",
            "-s",
        ]


@pytest.fixture(scope="module")
def fleet(make_fleet: Callable[..., Fleet]) -> Fleet:
    return make_lab(make_fleet)


@pytest.fixture
def host(fleet: Fleet, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CaseHost]:
    node = bool(request.param)
    first, _ = make_site(fleet, tmp_path, node=node)
    yield from at_rest(first)


def rights(results: Sequence[Result]) -> int:
    """Return of how many cases the first cause is right."""
    return sum(each.first in each.case.first for each in results)


def matrix(results: Sequence[Result]) -> str:
    """Return how often each first cause was given for each fault, with all that is not right by name."""
    counts = Counter((" or ".join(each.case.first), each.first) for each in results)
    lines = ["| right first cause | given | times |", "|---|---|---|"]
    lines += [f"| {right} | {given} | {times} |" for (right, given), times in sorted(counts.items())]
    lines.append(
        f"first cause right: {rights(results)} of {len(results)}; right one named at all: "
        f"{sum(bool(set(each.named) & set(each.case.first)) for each in results)} of {len(results)}"
    )
    for each in results:
        if each.first not in each.case.first:
            lines.append(f"wrong: {each.case.name}: {each.first}, right is {' or '.join(each.case.first)}")
            lines += [f"    {text}" for text in each.texts]
    lines += [f"the fault was not there: {each.case.name}" for each in results if not each.there]
    lines += [f"not back: {each.case.name}: {each.back}" for each in results if each.back]
    lines += [f"destructive fix first: {each.case.name}" for each in results if each.destructive]
    seconds = sorted(each.seconds for each in results)
    lines.append(f"time of a run: median {seconds[len(seconds) // 2]:.1f} s, longest {seconds[-1]:.1f} s")
    return "\n".join(lines)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("host", "group"), [(name in list(GROUPS)[2:], name) for name in GROUPS], indirect=["host"])
def test_the_first_cause_is_right(host: CaseHost, group: str, count: Count) -> None:
    results = []
    for case in GROUPS[group]:
        results.append(result(host, case, case.node))
        print(f"{case.name}: {results[-1].named} {'' if results[-1].there else 'NOT THERE'}", flush=True)
    print(matrix(results), flush=True)
    count("faults", group, rights(results), len(results))
    assert [each.case.name for each in results if not each.there] == []
    assert [each.case.name for each in results if each.destructive] == []
    assert {each.case.name for each in results if each.first not in each.case.first} <= MISSED


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("host", [False, True], indirect=True, ids=["host", "node"])
def test_pairs(host: CaseHost, request: pytest.FixtureRequest, count: Count) -> None:
    node = "node" in request.node.name
    find_both(host, PAIRS, node, count)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("host", [False, True], indirect=True, ids=["host", "node"])
def test_healthy_hosts_give_no_alarm(
    host: CaseHost, request: pytest.FixtureRequest, tmp_path: Path, count: Count
) -> None:
    give_no_alarm(host, HEALTHY, "node" in request.node.name, tmp_path, count)


def find_both(host: CaseHost, pairs: Sequence[Pair], node: bool, count: Count) -> None:
    """Make the pairs of hosts with a node, or without: what is found first must be right, and both be there."""
    wrong, both, destroys, absent, made = [], 0, [], [], 0
    for pair in pairs:
        if (pair.one.node or pair.two.node) != node:
            continue
        made += 1
        there = host.make(pair.one), host.make(pair.two)
        host.clock = pair.one.clock or pair.two.clock
        try:
            _, diagnosis = host.examine()
        finally:
            host.take(pair.two, node)
            host.take(pair.one, node)
        names, title = named(diagnosis), f"{pair.one.name} + {pair.two.name}"
        found = bool(set(names) & set(pair.one.first)) and bool(set(names) & set(pair.two.first))
        both += found
        print(f"{title}: {names} {'both named' if found else 'NOT BOTH'} {there}", flush=True)
        if not all(there):
            absent.append(title)
        if not names or names[0] not in pair.first:
            wrong.append(title)
            print("\n".join(f"    {text}" for text in texts(diagnosis)))
        if destructive(diagnosis):
            destroys.append(title)
    print(f"pairs: first cause right {made - len(wrong)} of {made}, both named {both}; wrong: {wrong}")
    count("pairs", "node" if node else "host", made - len(wrong), made)
    assert absent == [] and destroys == []
    assert wrong == []


def give_no_alarm(host: CaseHost, hosts: Sequence[Healthy], node: bool, folder: Path, count: Count) -> None:
    """Read the healthy hosts with a node, or without: each must be what its name says, and none give an alarm."""
    alarms, absent, read, quiet = [], [], 0, 0
    for healthy in hosts:
        if healthy.node == node:
            there, alarm = look_at(host, healthy, folder)
            read, quiet = read + 1, quiet + (not alarm)
            alarms += alarm
            absent += [] if there else [healthy.name]
            print(f"{healthy.name}: {alarm or 'no alarm'} {'' if there else 'NOT THERE'}", flush=True)
    print(f"healthy hosts: {read}, false alarms: {len(alarms)}: {alarms}")
    count("healthy hosts", "node" if node else "host", quiet, read)
    assert absent == []
    assert alarms == []


def look_at(host: CaseHost, healthy: Healthy, folder: Path) -> tuple[bool, list[str]]:
    """Return whether a healthy host is what its name says, and the alarms that Doctor gives."""
    case = healthy.case()
    there = host.make(case)
    reader: CaseHost = host
    if healthy.busybox:
        host.put(("/usr/bin/busybox",))
        host.run(BUSYBOX)
        reader = TinyHost(host.leader, host.variables["FIRST"], host.variables["SECOND"], folder)
    reader.user = healthy.user
    try:
        _, diagnosis = reader.examine()
    finally:
        reader.user = 0
        host.take(case, healthy.node)
        if healthy.busybox:
            host.run("umount -l /opt/tiny/proc /opt/tiny/sys /opt/tiny/dev")
    found = [
        finding
        for finding in diagnosis.findings
        if finding.certainty != UNSURE and finding.symptom not in healthy.allowed
    ]
    return there, [f"{finding.symptom} ({finding.certainty}): {finding.text}" for finding in found]
