"""Faults made on real hosts: the first cause that Doctor gives, against the one that was made; healthy hosts give none.

The confusion matrix is printed (`-rP`); docs/doctor.md has that of a run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from edgewright.core.doctor.findings import DESTRUCTIVE, UNSURE
from tests.e2e.doctor.conftest import Count
from tests.e2e.doctor.fault import Fault
from tests.e2e.doctor.hosts import DoctorHost
from tests.e2e.doctor.tuning import TUNING, TUNING_LATER
from tests.e2e.doctor.unseen import PAIRS, UNSEEN
from tests.e2e.doctor.unseen_later import LATER
from tests.e2e.fleet import Fleet
from tests.support import missing

pytestmark = [pytest.mark.e2e]
LEAST = 0.9
"""Share of the faults of which the first cause must be right."""


class Outcome(NamedTuple):
    """What one fault gave; `destructive` when a fix that removes data was the first of a finding.

    `left` is what Doctor still found after the fault was taken back.
    """

    fault: Fault
    first: str
    certainty: str
    destructive: bool
    seconds: float
    left: str


class Site:
    """Two hosts: faults are made on the first one, with the help of the second."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        hosts = fleet.status()["hosts"]
        leaders, addresses = [int(host["leader"]) for host in hosts], [str(host["address"]) for host in hosts]
        self.host = DoctorHost(leaders[0], addresses[0], addresses[1], folder)
        self.other = DoctorHost(leaders[1], addresses[1], addresses[0], folder)
        self.kubernetes = False

    def put_kubernetes(self) -> None:
        """Put parts of Kubernetes into the host, once; skip where they are not built."""
        if not self.kubernetes:
            why = self.host.put_kubernetes()
            if why:
                missing("e2e", why)
            self.kubernetes = True
            assert self.host.healthy(60) == ""

    def outcome(self, fault: Fault) -> Outcome:
        """Make a fault, read the host, take the fault back, and wait until the host is healthy again."""
        self.host.inject(fault, self.other)
        try:
            examined, diagnosis = self.host.examine()
        finally:
            self.host.take_back(fault, self.other)
        first = diagnosis.first
        destructive = any(f.fixes and f.fixes[0].danger == DESTRUCTIVE for f in diagnosis.findings)
        left = self.host.healthy()
        name, certainty = (first.symptom, first.certainty) if first else ("none", "")
        return Outcome(fault, name, certainty, destructive, examined.seconds, left)


@pytest.fixture(scope="module")
def site(make_fleet: Callable[..., Fleet], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(make_fleet("--hosts", "2"), tmp_path_factory.mktemp("disks"))
    made.host.attach()
    try:
        assert made.host.healthy(60) == ""
        yield made
    finally:
        made.host.detach()


def matrix(outcomes: Sequence[Outcome]) -> str:
    """Return how often each first cause was given for each fault, with the wrong ones by name."""
    counts = Counter((outcome.fault.first[0], outcome.first, outcome.fault.kind) for outcome in outcomes)
    lines = ["| made | given | kind | times |", "|---|---|---|---|"]
    lines += [f"| {made} | {given} | {kind} | {times} |" for (made, given, kind), times in sorted(counts.items())]
    right = sum(outcome.first in outcome.fault.first for outcome in outcomes)
    lines.append(f"first cause right: {right} of {len(outcomes)}")
    lines += [f"wrong: {o.fault.name}: {o.first}" for o in outcomes if o.first not in o.fault.first]
    seconds = sorted(outcome.seconds for outcome in outcomes)
    lines.append(f"time of a run: median {seconds[len(seconds) // 2]:.1f} s, longest {seconds[-1]:.1f} s")
    return "\n".join(lines)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["tuning-later", "tuning", "unseen", "later", "pairs"])
def test_the_first_cause_is_right(site: Site, name: str, count: Count) -> None:
    faults = {"tuning": TUNING, "tuning-later": TUNING_LATER, "unseen": UNSEEN, "later": LATER, "pairs": PAIRS}[name]
    if any(fault.prop for fault in faults):
        site.put_kubernetes()
    outcomes = []
    for fault in sorted(faults, key=lambda fault: fault.prop):
        outcomes.append(site.outcome(fault))
        print(f"{fault.name}: {outcomes[-1].first}", flush=True)
    print(matrix(outcomes), flush=True)
    right = sum(outcome.first in outcome.fault.first for outcome in outcomes)
    count("pairs" if name == "pairs" else "faults", name, right, len(outcomes))
    assert right >= LEAST * len(outcomes)
    assert [outcome.fault.name for outcome in outcomes if outcome.destructive] == []
    assert [(outcome.fault.name, outcome.left) for outcome in outcomes if outcome.left] == []


def test_healthy_hosts_give_no_alarm(site: Site, count: Count) -> None:
    """Both hosts, ten times, half of them as a user without sudo."""
    alarms: list[str] = []
    quiet = 0
    for turn in range(10):
        host = (site.host, site.other)[turn % 2]
        host.user = 65534 if turn % 4 > 1 else 0
        _, diagnosis = host.examine()
        found = [finding.key for finding in diagnosis.findings if finding.certainty != UNSURE]
        alarms, quiet = alarms + found, quiet + (not found)
        host.user = 0
        time.sleep(0.2)
    count("healthy hosts", "two hosts, ten times", quiet, 10)
    assert alarms == []
