"""The engine: killed at each point, with a full disk at each write, over an hour, with what cannot be observed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.reconcile import engine
from edgewright.agent.reconcile.driver import Driver
from edgewright.agent.reconcile.engine import Engine, Position
from edgewright.agent.reconcile.journal import Journal, read_records
from edgewright.agent.reconcile.runner import Runner, UnitState
from edgewright.agent.reconcile.steps import EQUAL_FAILURES, STARTS_PER_HOUR, Action, Seen, State
from edgewright.core.errors import Failed

UNREACHABLE = 69
"""Not an exit status that another test counts up to."""


class Killed(BaseException):
    """The reconciler ended here."""


class FakeRunner(Runner):
    """Not real: units in memory, which survive the reconciler but not a boot."""

    def __init__(self) -> None:
        self.units: dict[str, UnitState] = {}
        self.starts: list[str] = []
        self.refuse = ""

    def start(self, unit: str, command: Any, limit: float) -> None:
        if self.refuse:
            raise Failed(self.refuse)
        assert unit not in self.units, "the name of the unit is the lock"
        self.starts.append(unit)
        self.units[unit] = UnitState("running")

    def state(self, unit: str) -> UnitState:
        return self.units.get(unit, UnitState("absent"))

    def log(self, unit: str) -> list[str]:
        return ["first", f"no space in {unit}"]

    def forget(self, unit: str) -> None:
        self.units.pop(unit, None)


class FakeDriver(Driver):
    """Not real: steps whose effect a test sets."""

    kind = "fake"

    def __init__(self) -> None:
        self.effects: dict[str, Seen] = {}
        self.waiting = ""
        self.observed = self.refreshed = 0

    def refresh(self) -> None:
        self.refreshed += 1

    def observe(self, action: Action) -> tuple[Seen, str]:
        self.observed += 1
        return self.effects.get(action.step, Seen.NOT_DONE), "as observed"

    def waits_for(self, action: Action) -> str:
        return self.waiting

    def unreachable(self, code: int) -> bool:
        return code == UNREACHABLE

    def command(self, action: Action) -> list[str]:
        return ["work", action.step]


class World:
    """A host: a clock, a runner, a driver, a journal on disk, and a reconciler that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_000_000.0
        self.boot = "boot-1"
        self.runner, self.driver = FakeRunner(), FakeDriver()
        self.noted: list[tuple[str, str]] = []
        self.restart()

    def restart(self, boot: str = "") -> None:
        """Start the reconciler again, after kill -9; with `boot` the host as well."""
        if boot:
            self.boot = boot
            self.runner.units.clear()
        self.journal = Journal(str(self.folder))
        self.journal.open()
        self.engine = Engine(
            self.journal, self.runner, {"fake": self.driver}, lambda: self.now, self.boot,
            lambda step, event: self.noted.append((step.step, event.name)),
        )  # fmt: skip

    def end(self, step: str, code: int, effect: Seen = Seen.NOT_DONE) -> None:
        self.runner.units[f"edgewright-step-{step}.service"] = UnitState("ended", code)
        self.driver.effects[step] = effect

    def run(self, *steps: str) -> Position:
        plan = [Action(step, "fake", "t", {}, 600.0, n, len(steps)) for n, step in enumerate(steps, 1)]
        return self.engine.run(plan)

    def state(self, step: str) -> State:
        found = self.engine.step(step)
        assert found is not None
        return found.state


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_steps_run_in_order_and_the_observed_state_decides(world: World) -> None:
    position = world.run("a", "b")
    assert position.action is not None and (position.action.n, position.action.of) == (1, 2)
    assert world.state("a") is State.RUNNING and len(world.runner.starts) == 1
    assert world.run("a", "b").again == 4.0 and len(world.runner.starts) == 1
    world.end("a", 0, Seen.DONE)
    world.run("a", "b")
    assert world.state("a") is State.DONE and world.state("b") is State.RUNNING
    world.end("b", 0, Seen.DONE)
    assert world.run("a", "b").done
    assert [name for name, _ in world.noted] == ["a", "a", "b", "b"]


def test_p70_an_exit_status_alone_decides_nothing(world: World) -> None:
    world.run("a")
    world.end("a", 1, Seen.DONE)
    assert world.run("a").done, "it failed and its effect is there"
    world.run("a", "b")
    world.end("b", 0, Seen.NOT_DONE)
    position = world.run("a", "b")
    assert world.state("b") is State.FAILED and position.step is not None
    assert "ended with 0" in position.step.error and "no space in" in position.step.error


def test_a_step_whose_effect_comes_after_its_end_leaves_no_unit(world: World) -> None:
    world.run("a")
    world.end("a", 0, Seen.NOT_DONE)
    world.run("a")
    assert world.state("a") is State.FAILED and world.runner.units, "its log is there for a user"
    world.engine.settle({"a"})
    assert world.runner.units
    world.driver.effects["a"] = Seen.DONE
    assert world.run("a").done and not world.runner.units


def test_a_failed_step_that_no_plan_wants_any_more_leaves_no_unit(world: World) -> None:
    for _ in range(2):  # it may be wanted again later
        world.run("a")
        world.end("a", 1)
        world.run("a")
        assert world.state("a") is State.FAILED and world.runner.units
        world.engine.settle(set())
        assert not world.runner.units
        world.now += 3600.0


def test_p70_what_cannot_be_observed_is_neither_done_nor_not_done(world: World) -> None:
    world.driver.effects["a"] = Seen.UNKNOWN
    position = world.run("a")
    assert "cannot be observed" in position.waiting_for and world.runner.starts == []
    world.driver.effects["a"] = Seen.NOT_DONE
    world.run("a")
    world.end("a", 1, Seen.UNKNOWN)
    assert "cannot be observed" in world.run("a").waiting_for and world.state("a") is State.RUNNING
    world.runner.units["edgewright-step-a.service"] = UnitState("unknown", text="systemd does not answer")
    assert "systemd does not answer" in world.run("a").waiting_for and world.state("a") is State.RUNNING
    assert len(world.runner.starts) == 1


def test_a_step_that_is_done_already_is_not_started(world: World) -> None:
    world.driver.effects["a"] = Seen.DONE
    assert world.run("a").done and world.runner.starts == []


def test_what_was_done_and_is_not_any_more_runs_again(world: World) -> None:
    world.driver.effects["a"] = Seen.DONE
    world.run("a")
    world.driver.effects["a"] = Seen.NOT_DONE
    world.run("a")
    assert world.state("a") is State.RUNNING and len(world.runner.starts) == 1


def test_a_precondition_is_waited_for_without_a_limit(world: World) -> None:
    world.driver.waiting = "the grant of the leader"
    for _ in range(100):
        world.now += 3600
        assert world.run("a").waiting_for == "the grant of the leader"
    assert world.runner.starts == []


def test_p70_three_equal_failures_wait_for_an_operator_and_a_retry_continues(world: World) -> None:
    for n in range(EQUAL_FAILURES):
        world.run("a")
        assert len(world.runner.starts) == n + 1
        world.end("a", 7)
        position = world.run("a")
        assert position.again == [10.0, 20.0, None][n], "the last one waits for nobody but the operator"
        world.now += (position.again or 0) - 0.5
        assert world.run("a").waiting_for in ("its next try", "operator") and len(world.runner.starts) == n + 1
        world.now += 1
    position = world.run("a")
    assert (position.waiting_for, position.again) == ("operator", None) and world.state("a") is State.OPERATOR
    assert position.step is not None and position.step.error_class == "exit-7" and position.step.cause
    world.now += 1e6
    world.restart()
    assert world.run("a").waiting_for == "operator" and len(world.runner.starts) == EQUAL_FAILURES
    world.engine.retries.add("*")
    world.run("a")
    assert world.state("a") is State.RUNNING and len(world.runner.starts) == EQUAL_FAILURES + 1


def test_p70_a_registry_that_is_down_for_hours_is_waited_for_without_a_limit_and_without_an_operator(
    world: World,
) -> None:
    waits = []
    for _ in range(STARTS_PER_HOUR * 3):
        world.run("a")
        world.end("a", UNREACHABLE)
        waits.append(world.run("a").again)
        world.now += (waits[-1] or 0) + 0.5
    assert waits[:6] == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0] and set(waits[6:]) == {300.0}
    for n in range(EQUAL_FAILURES):  # a failure of the step itself counts as before
        assert world.run("a").waiting_for == "" and world.state("a") is State.RUNNING, n
        world.end("a", 1)
        world.now += (world.run("a").again or 0) + 0.5
    assert world.run("a").waiting_for == "operator"


def test_an_operator_who_repaired_it_by_hand_is_noticed(world: World) -> None:
    for _ in range(EQUAL_FAILURES):
        world.run("a")
        world.end("a", 7)
        world.now += (world.run("a").again or 0) + 1
    assert world.run("a").waiting_for == "operator"
    world.driver.effects["a"] = Seen.DONE
    assert world.run("a").done


def test_p70_the_loop_guard_stops_a_step_that_fails_in_ever_new_ways(world: World) -> None:
    began = world.now
    while world.now - began < 3500:
        position = world.run("a")
        if position.again is None:
            break
        world.end("a", len(world.runner.starts))
        world.now += max(1.0, world.run("a").again or 0)
    assert len(world.runner.starts) <= STARTS_PER_HOUR
    for n in range(STARTS_PER_HOUR * 3):  # power cuts: no failures of the step, but starts
        world.restart(f"boot-{n + 2}")
        world.now += (world.run("b").again or 0) + 1
    assert sum("-b." in unit for unit in world.runner.starts) == STARTS_PER_HOUR
    assert world.state("b") is State.OPERATOR


def test_a_program_that_cannot_be_started_is_a_failure(world: World) -> None:
    world.runner.refuse = "systemd-run refused it."
    position = world.run("a")
    assert world.state("a") is State.FAILED and position.step is not None and "refused" in position.step.error


def test_an_unknown_operation_record_is_no_step(world: World) -> None:
    world.journal.append("op-1", {"operation": "reset", "state": "running"})
    world.restart()
    assert world.engine.running() == []


def drive(world: World, until: Callable[[], bool], limit: int = 300) -> None:
    """Run an accelerated host until `until`; programs end well after 180 s."""
    for _ in range(limit):
        position = world.run("a", "b", "c")
        if position.done or until():
            return
        world.now += position.again or 1.0
        for unit, state in list(world.runner.units.items()):
            step = world.engine.step(unit[len("edgewright-step-") : -len(".service")])
            if state.name == "running" and step is not None and world.now - step.since >= 180:
                world.end(step.step, 0, Seen.DONE)


@pytest.mark.parametrize("call", ["write", "fsync", "forget", "start", "observe"])
@pytest.mark.parametrize("deadly", range(1, 12))
@pytest.mark.parametrize("power", [False, True], ids=["kill", "power cut"])
def test_killed_at_any_point_one_program_runs_and_the_end_is_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, call: str, deadly: int, power: bool
) -> None:
    """kill -9, or a power cut, before or after each write of the journal, each start, each observation."""
    place: Any = {"write": os, "fsync": os, "observe": world.driver}.get(call, world.runner)
    count, real = 0, getattr(place, call)

    def dying(*args: Any) -> Any:
        nonlocal count
        count += 1
        if count == deadly:
            raise Killed
        result = real(*args)
        if count == deadly - 1 and call in ("start", "fsync"):
            count += 1
            raise Killed  # and right after it
        return result

    monkeypatch.setattr(place, call, dying)
    for n in range(20):
        try:
            drive(world, lambda: False)
        except Killed:
            world.restart(f"again-{n}" if power else "")
            continue
        break
    assert world.run("a", "b", "c").done
    starts = list(world.runner.starts)
    if not power:
        assert len(starts) == len(set(starts)), "a program that runs is not started a second time"
    assert set(starts) == {f"edgewright-step-{name}.service" for name in "abc"}


@pytest.mark.parametrize("first", range(1, 7))
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_at_each_write_starts_nothing_and_resumes(
    world: World, monkeypatch: pytest.MonkeyPatch, call: str, first: int
) -> None:
    """From the n-th write on the disk is full for an hour; each start had its record on disk before."""
    count, real, start = 0, getattr(os, call), world.runner.start
    full_since: list[float] = []

    def refusing(*args: Any) -> Any:
        nonlocal count
        count += 1
        if count == first:
            full_since.append(world.now)
        if full_since and world.now < full_since[0] + 3600:
            raise OSError(28, "full")
        return real(*args)

    def started(unit: str, command: Any, limit: float) -> None:
        on_disk = {record["step"]: record for record in read_records(str(world.folder))}
        assert on_disk[unit[len("edgewright-step-") : -len(".service")]]["state"] == "running"
        assert not full_since or world.now >= full_since[0] + 3600
        start(unit, command, limit)

    monkeypatch.setattr(os, call, refusing)
    monkeypatch.setattr(world.runner, "start", started)
    reasons: set[str] = set()

    def look() -> bool:
        reasons.add(world.run("a", "b", "c").waiting_for)
        return False

    drive(world, look, 2000)
    assert world.run("a", "b", "c").done and full_since and len(world.runner.starts) == 3
    assert any("the disk is full. No step is started until it can" in reason for reason in reasons)


def test_an_hour_of_accelerated_work_with_kills(world: World) -> None:
    """Programs of 20 minutes each; the reconciler is killed every 50 s of an hour, and nothing starts twice."""
    began, looks = world.now, 0
    while not (position := world.run("a", "b", "c")).done:
        looks += 1
        world.now += position.again or 1.0
        if looks % 5 == 0:
            world.restart()
        for unit, state in list(world.runner.units.items()):
            step = world.engine.step(unit[len("edgewright-step-") : -len(".service")])
            if state.name == "running" and step is not None and world.now - step.since >= 1200:
                world.end(step.step, 0, Seen.DONE)
    assert 3600 <= world.now - began < 3700 and len(world.runner.starts) == 3 and looks > 350


@pytest.mark.parametrize(
    ("ended", "text", "last", "reason"),
    [
        ("its program ended with 1", "not done", "", "its program ended with 1; not done"),
        (
            "its program ended with 1", "1 failure: ports: 6443", "1 failure: ports: 6443. Correct all.",
            "1 failure: ports: 6443. Correct all (its program ended with 1)",
        ),
        (
            "it took longer than 600 s", "no Node", "no space left on device",
            "no space left on device (it took longer than 600 s; no Node)",
        ),
    ],
)  # fmt: skip
def test_the_reason_of_a_failure_begins_with_its_cause_and_repeats_nothing(
    ended: str, text: str, last: str, reason: str
) -> None:
    assert engine._failure(ended, text, last) == reason
