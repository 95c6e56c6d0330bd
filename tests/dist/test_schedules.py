"""Several hubs under a seeded schedule of faults keep what they acknowledged (rules P17, P33, P61, P65 to P68).

`EDGEWRIGHT_SEED=7 pytest tests/dist/test_schedules.py` repeats one schedule; `EDGEWRIGHT_SCHEDULES=500` runs that many
instead of 10, from `EDGEWRIGHT_FIRST_SEED` (1) on, each of `EDGEWRIGHT_STEPS` (2) faults.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from edgewright.hub.controllers.membership import UP_SINCE
from tests.dist import schedule
from tests.dist.credential_writers import CREDENTIAL_WRITERS
from tests.dist.drive import Drive
from tests.dist.host_writers import HOST_WRITERS, OWN_HOST_WRITERS
from tests.dist.model import CHANGE_REASONS, Deadline, Model, settled
from tests.dist.namespaces import Network
from tests.dist.plane import Plane, running_plane
from tests.dist.streams import Readers
from tests.postgres import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SEED = os.environ.get("EDGEWRIGHT_SEED", "")
COUNT = int(os.environ.get("EDGEWRIGHT_SCHEDULES", "10"))
FIRST = int(os.environ.get("EDGEWRIGHT_FIRST_SEED", "1"))
SEEDS = [int(SEED)] if SEED else list(range(FIRST, FIRST + COUNT))
STEPS = int(os.environ.get("EDGEWRIGHT_STEPS", "2"))
MOST_USES = 25
"""Schedules that one plane sees: what they leave behind makes each page longer."""


class Planes:
    """A plane of two and one of three hubs, each started when a schedule needs it; all schedules share them."""

    def __init__(self, postgres: Cluster, net: Network | None) -> None:
        self._postgres, self._net = postgres, net
        self._open: dict[int, tuple[Plane, contextlib.ExitStack]] = {}
        self._uses: dict[int, int] = {}

    def get(self, count: int) -> Plane:
        """Return a plane of that many hubs."""
        self._uses[count] = self._uses.get(count, 0) + 1
        if self._uses[count] > MOST_USES:
            self.close(count)
        if count not in self._open:
            stack = contextlib.ExitStack()
            options = ("--sweep", "0.5", "--event-rate", "6000")
            plane = stack.enter_context(running_plane(self._postgres, self._net, count, *options))
            self._open[count], self._uses[count] = (plane, stack), 1
        return self._open[count][0]

    def close(self, count: int) -> str:
        """Stop a plane; the next schedule gets a new one. Returns what went wrong with that."""
        if count not in self._open:
            return ""
        plane, stack = self._open.pop(count)
        try:
            stack.close()
        except subprocess.TimeoutExpired as error:
            return f"a hub did not stop: {error}\n{plane.logs()}"
        return ""

    def close_all(self) -> None:
        """Stop every plane."""
        problems = [text for count in list(self._open) if (text := self.close(count))]
        assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def planes(postgres: Cluster, net: Network | None) -> Iterator[Planes]:
    made = Planes(postgres, net)
    try:
        yield made
    finally:
        made.close_all()


def transitions(plane: Plane, model: Model, name: str) -> list[str]:
    """Return where a host's events of health are not one for each transition.

    They alternate, there are as many as the state of heartbeats changed (for a host that waits for each of them exactly
    as many), and the last one is of the state that the newest acknowledged heartbeat reported.
    """
    sql = (
        "SELECT doc::json->'involvedObject'->>'uid', reason FROM events "
        f"WHERE reason IN {CHANGE_REASONS} "
        f"AND doc::json->'involvedObject'->>'uid' LIKE '{name}-%' ORDER BY id"
    )
    hosts: dict[str, list[str]] = {}
    for line in plane.server.psql(plane.database, sql).splitlines():
        uid, _, reason = line.partition("|")
        hosts.setdefault(uid, ["HostRecovered"]).append(reason)
    problems = [f"{uid} has one twice: {seen}" for uid, seen in hosts.items() if any(a == b for a, b in pairwise(seen))]
    for uid, changes in model.changes.items():
        number = len(hosts.get(uid, ["HostRecovered"])) - 1
        if not changes.least <= number <= changes.most:
            problems.append(f"{uid} has {number} of {changes.least} to {changes.most}: {hosts.get(uid)}")
    model.counts["changes of health"] = sum(changes.least for changes in model.changes.values())
    for uid, state in model.reported.items():
        last = hosts.get(uid, ["HostRecovered"])[-1]
        if (last == "HostUnhealthy") != (state == "unhealthy"):
            problems.append(f"{uid} is {state}, and its last event is {last}")
    return problems


def up_since(plane: Plane) -> str:
    """Return since when the plane is up, as the hubs know it."""
    return plane.server.psql(plane.database, f"SELECT value FROM settings WHERE key = '{UP_SINCE}'")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_schedule_loses_nothing(planes: Planes, seed: int) -> None:
    count = 3 if seed % 5 == 0 else 2
    plane = planes.get(count)
    plane.begin()
    steps = schedule.make(seed, len(plane.members), STEPS)
    model, since = Model(), up_since(plane)
    try:
        drive = Drive(plane, model, seed, f"s{seed}")
        drive.start(HOST_WRITERS, OWN_HOST_WRITERS, CREDENTIAL_WRITERS)
        readers = Readers(plane, drive.clients, seed)
        try:
            schedule.run(plane, steps)
        finally:
            drive.stop()
        plane.note("the writers ended")
        for text in settled(plane, model.take_wanted(), drive.clients.ask)[:20]:
            model.wrong(f"not within 5 s: {text}")
        plane.note("settled")
        readers.settle(model)
        drive.offer_all()
        if up_since(plane) != since:
            # On a crowded machine none may run for 5 s, and one that starts then counts the plane as having been down
            # (rule P18): what changed until then has no event.
            plane.note("no hub was seen for a while: events of health are not compared")
        else:
            deadline = Deadline()
            while (late := transitions(plane, model, drive.name)) and not deadline.over():
                time.sleep(0.2)
            for text in late:
                model.wrong(f"events of health: {text}")
        drive.clients.close()
    except BaseException:
        print(f"seed {seed}\n{model.problems}\n{plane.history}\n{plane.logs()}\n{planes.close(count)}")
        raise
    plane.note("the end")
    print(f"seed {seed}: {dict(sorted(model.counts.items()))}", *plane.history, sep="\n")
    if model.problems:
        problems, history, logs = "\n".join(model.problems), "\n".join(plane.history), plane.logs()
        repeat = f"seed {seed}, repeat with EDGEWRIGHT_STEPS={STEPS} EDGEWRIGHT_SEED={seed}"
        text = f"{repeat}\n{problems}\n-- schedule\n{history}\n{logs}\n{planes.close(count)}"
        pytest.fail(text, pytrace=False)
