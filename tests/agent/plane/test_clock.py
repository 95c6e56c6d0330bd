"""Setting the clock from the plane's time: when the root part does it, when not, and what it reports (P138)."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.facts.system import time_service
from edgewright.agent.kernel.agent_log import NOTICE, WARNING
from edgewright.agent.kernel.hostfs import Root
from edgewright.agent.plane import clock
from edgewright.agent.plane.floor import LATEST
from edgewright.agent.reconcile import exchange
from edgewright.agent.reconcile.compose import make_reconciler
from edgewright.agent.reconcile.handover import Handover
from edgewright.agent.reconcile.runner import UnitState
from edgewright.core.certificate_clock import BUILT
from tests.agent.reconcile.test_reconciler import Host

Y2000 = 946_684_800.0
PLANE = BUILT + 5_000_000.0


class StubClock(clock.Clock):
    """A clock that only notes to what it was set."""

    def __init__(self) -> None:
        super().__init__(Root("/nowhere"))
        self.boot, self.shows, self.up = "b", Y2000, 40.0
        self.by_kernel, self.running = False, ""
        self.service = lambda: self.running
        self.since_boot = lambda: self.up
        self.changes: list[float] = []
        self.problem: OSError | None = None
        self.hardware = ""

    def now(self) -> float:
        return self.shows

    def synchronised(self) -> bool:
        return self.by_kernel

    def set(self, moment: float) -> str:
        if self.problem is not None:
            raise self.problem
        self.changes.append(moment)
        self.shows = moment
        return self.hardware


class Case:
    def __init__(self, own: Path) -> None:
        self.clock, self.own, self.reported = StubClock(), own, list[tuple[int, str]]()

    def take(self, busy: bool = False, **changes: Any) -> list[float]:
        request = {"date": PLANE, "since": 38.0, "floor": BUILT, "boot": "b", **changes}
        clock.take(request, str(self.own), self.clock, busy, lambda *said: self.reported.append(said))
        return self.clock.changes


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_it_is_set_to_the_planes_time_and_the_seconds_since(case: Case) -> None:
    assert case.take() == [PLANE + 2.0]
    sentence = "The clock was set from 2000-01-01 00:00 UTC to 2026-12-28 20:53 UTC, the plane's time; no time service"
    assert case.reported == [(NOTICE, f"{sentence} had done it.")]
    written = exchange.get(str(case.own), exchange.CLOCK) or {}
    assert (written["before"], written["date"], written["reason"]) == (Y2000, PLANE + 2, "")
    assert case.take() == [PLANE + 2.0], "it is right now: a second request changes nothing"


@pytest.mark.parametrize(
    "changes",
    [
        {"boot": "another"}, {"since": 41.0}, {"since": 38.0 - 301}, {"since": "38"}, {"date": None}, {"floor": None},
        {"date": BUILT - 3600}, {"date": LATEST + 1}, {"date": float("nan")}, {"date": float("inf")}, {"date": True},
        {"floor": 10**400}, {"date": 10**400}, {"since": -(10**400)}, {"floor": [1]},
        {"floor": PLANE + 3600}, {"floor": float("nan"), "date": BUILT - 3600}, {"since": float("nan")},
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_right_sets_nothing(changes: dict[str, Any], case: Case) -> None:
    if "since" in changes and changes["since"] == 38.0 - 301:
        case.clock.up = 400.0
        changes = {"since": 400.0 - 301}
    assert case.take(**changes) == []


def test_it_goes_forwards_only(case: Case) -> None:
    for shows in (PLANE + 1000, PLANE + 1e8, BUILT + 1, PLANE):
        case.clock.shows = shows
        assert case.take() == [], "a clock that may be right is left alone"
    assert case.take(floor=PLANE - 50) == []
    case.clock.shows = BUILT + 1
    assert case.take(floor=PLANE - 50) == [PLANE + 2], "it was seen later than this clock shows"


def test_what_a_link_may_do_that_was_taken_over(case: Case) -> None:
    """The root part takes floor and date from the link, which is not root: forwards to `LATEST` at most, never back,
    and no clock that a time service has set. It looks at no certificate itself (docs/agent.md)."""
    case.clock.shows = BUILT + 1000
    assert case.take(floor=LATEST, date=LATEST) == [] and case.take(floor=LATEST - 9, date=LATEST + 1) == []
    assert case.take(floor=BUILT, date=BUILT + 5e7) == [], "a clock after the floor that it states"
    case.clock.by_kernel = True
    assert case.take(floor=LATEST - 99, date=LATEST - 50) == []
    case.clock.by_kernel = False
    assert case.take(floor=LATEST - 99, date=LATEST - 50) == [LATEST - 48]
    assert case.take(floor=BUILT, date=BUILT + 500) == [LATEST - 48], "never back"


def test_a_time_service_is_left_its_time(case: Case) -> None:
    case.clock.running = "chronyd"
    assert case.take() == []
    (said,) = case.reported
    assert said[0] == WARNING and "chronyd runs and has until 10 min after the boot to set it" in said[1]
    assert "chronyd" in (exchange.get(str(case.own), exchange.CLOCK) or {})["reason"]
    case.clock.up = 601.0
    assert case.take(since=600.0) == [PLANE + 1], "it has not done it: a service without a server sets nothing"
    case.clock.changes.clear()
    case.clock.shows, case.clock.by_kernel = Y2000, True
    assert case.take(since=600.0) == [] and "the kernel calls it synchronised" in case.reported[-1][1]


def test_no_step_loses_its_time_limit(case: Case) -> None:
    assert case.take(busy=True) == [] and "a step runs" in case.reported[-1][1]


def test_a_clock_that_cannot_be_set_is_reported(case: Case) -> None:
    case.clock.problem = PermissionError(1, "Operation not permitted")
    assert case.take() == []
    assert case.reported[-1][1].endswith("the plane's time: it cannot be set: operation not permitted.")


def test_a_full_disk_keeps_nobody_from_it(case: Case) -> None:
    (case.own / "file").write_text("")
    case.own = case.own / "file" / "below"
    assert case.take() == [PLANE + 2]


def test_the_reconciler_takes_it_before_its_journal_and_makes_no_operation_of_it(tmp_path: Path) -> None:
    made = make_reconciler(str(tmp_path), root=Root(str(tmp_path / "root")))
    stub = StubClock()
    made._parts = made._parts._replace(set_clock=stub)
    assert made.open()
    folder = Path(made.places[exchange.REQUESTS])
    (Path(made.places[exchange.OWN]) / "journal").mkdir()  # cannot be opened
    for name in os.listdir(made.places[exchange.OWN]):
        assert name in ("lock", "journal", "results", "run")
    exchange.put(str(folder), exchange.CLOCK, {"date": PLANE, "since": 39.0, "floor": BUILT, "boot": "b"})
    made.tick()
    assert stub.changes == [PLANE + 1] and not list(folder.iterdir())
    made.close()


@pytest.mark.parametrize(
    ("state", "wanted"),
    [("running", []), ("unknown", []), ("ended", [PLANE + 1]), ("absent", [PLANE + 1])],
)
def test_a_step_that_an_earlier_reconciler_started_counts_while_its_program_runs(
    state: str, wanted: list[float], tmp_path: Path
) -> None:
    """The reconciler was killed, or the host restarted: the journal alone does not show whether the step still runs."""
    host = Host(tmp_path)
    host.offer(1, 180)
    host.reconciler.tick()
    (step,) = host.reconciler.running()
    host.runner.units[step.unit] = UnitState(state)
    host.kill()
    stub = StubClock()
    host.reconciler._parts = host.reconciler._parts._replace(set_clock=stub)
    host.handover.ask_clock({"date": PLANE, "since": 39.0, "floor": BUILT, "boot": "b"})
    host.reconciler.tick()
    assert stub.changes == wanted
    assert ("a step runs" in str(host.handover.clock("b"))) is (not wanted)
    host.reconciler.close()


def test_links_and_pipes_are_not_requests(tmp_path: Path) -> None:
    folder = tmp_path / "operations"
    exchange.put(str(folder), "other", {"date": PLANE})
    (folder / "clock.json").symlink_to(folder / "other.json")
    assert exchange.get(str(folder), exchange.CLOCK) is None
    exchange.drop(str(folder), exchange.CLOCK)
    assert exchange.get(str(folder), "other") is not None
    os.mkfifo(folder / "clock.json")
    assert exchange.get(str(folder), exchange.CLOCK) is None


def test_a_request_goes_from_the_link_to_the_report_that_it_reads(tmp_path: Path) -> None:
    handover = Handover(str(tmp_path), run=str(tmp_path / "run"), root=str(tmp_path / "root"))
    handover.ask_clock({"date": PLANE, "since": 39.0, "floor": BUILT, "boot": "b"})
    assert handover.clock("b") == {}
    made = make_reconciler(str(tmp_path), str(tmp_path / "run"), Root(str(tmp_path / "root")))
    made._parts = made._parts._replace(set_clock=StubClock())
    assert made.open()
    made.tick()
    made.close()
    assert handover.clock("b")["date"] == PLANE + 1 and handover.clock("another") == {}


@pytest.mark.parametrize(
    ("program", "reason"),
    [("exit 0", ""), ("exit 3", "hwclock ended with 3"), ("", "hwclock: no such file or directory")],
)
def test_a_clock_of_the_hardware_that_is_not_set_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    if program:
        (tmp_path / "hwclock").write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / "hwclock").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(time, "clock_settime", lambda which, moment: None)
    assert clock.Clock(Root()).set(PLANE) == reason
    case = Case(tmp_path)
    case.clock.hardware = reason
    case.take()
    messages = [text for _, text in case.reported]
    assert "The clock was set" in messages[0]
    assert messages[1:] == (
        [f"The hardware's clock is not set, so the next boot begins wrong: {reason}."] if reason else []
    )


def test_this_machines_own_clock_is_only_read() -> None:
    ours = clock.Clock(Root())
    assert abs(ours.now() - time.time()) < 1 and ours.since_boot() > 0
    assert ours.synchronised() in (True, False)


def test_the_time_service_is_known_by_its_process(tmp_path: Path) -> None:
    for number, name in (("1", "systemd"), ("77", "systemd-timesyn"), ("self", "chronyd")):
        (tmp_path / "proc" / number).mkdir(parents=True)
        (tmp_path / "proc" / number / "comm").write_text(name + "\n")
    assert time_service(Root(str(tmp_path))) == "systemd-timesyncd"
    (tmp_path / "proc/77/comm").write_text("sh\n")
    assert time_service(Root(str(tmp_path))) == ""
