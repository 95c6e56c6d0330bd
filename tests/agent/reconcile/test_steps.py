"""The transition table: every legal move, every illegal one, waits, equal failures and the loop guard."""

from __future__ import annotations

import itertools

import pytest

from edgewright.agent.reconcile.steps import (
    EQUAL_FAILURES,
    STARTS_PER_HOUR,
    TABLE,
    Event,
    State,
    Step,
    read_step,
    unit_name,
    valid_id,
    wait_after,
)

NEW = Step("a", "trial", "t")


@pytest.mark.parametrize(("before", "event"), sorted(TABLE, key=str))
def test_each_line_of_the_table(before: State, event: Event) -> None:
    after = NEW._replace(state=before, since=1.0).move(event, 5.0)
    assert after.state is TABLE[before, event] and after.since == 5.0


@pytest.mark.parametrize(("before", "event"), sorted((set(itertools.product(State, Event)) - set(TABLE)), key=str))
def test_whatever_is_not_in_the_table_is_refused(before: State, event: Event) -> None:
    with pytest.raises(ValueError, match="cannot move"):
        NEW._replace(state=before).move(event, 0.0)


def test_each_state_can_be_reached_and_each_but_done_has_a_way_on() -> None:
    assert set(TABLE.values()) == set(State)
    assert {before for before, _ in TABLE} == set(State)


def test_waits_double_from_10_s_to_5_min() -> None:
    assert [wait_after(n) for n in range(1, 8)] == [10, 20, 40, 80, 160, 300, 300]
    assert wait_after(10**6) == 300


def fail(step: Step, now: float, error_class: str = "exit-1", event: Event = Event.FAILED) -> Step:
    step = step.move(Event.STARTED, now).move(event, now, error="e", error_class=error_class)
    return step


def test_equal_failures_are_counted_and_others_begin_again() -> None:
    step = NEW
    for n in range(1, EQUAL_FAILURES + 1):
        step = fail(step, 10.0 * n)
        assert step.equal == n
        step = step.move(Event.DUE, 10.0 * n) if n < EQUAL_FAILURES else step
    other = fail(step.move(Event.DUE, 100.0), 100.0, "exit-2")
    assert other.equal == 1


def test_a_power_cut_is_no_failure_of_the_step_but_a_start() -> None:
    step = fail(NEW, 1.0)
    step = fail(step.move(Event.DUE, 2.0), 2.0, "interrupted", Event.INTERRUPTED)
    assert step.equal == 1 and step.error_class == "exit-1" and len(step.starts) == 2
    step = fail(step.move(Event.DUE, 3.0), 3.0)
    assert step.equal == 2


def test_the_loop_guard_counts_the_starts_of_an_hour() -> None:
    step = NEW
    for n in range(STARTS_PER_HOUR):
        assert not step.looping(n)
        step = fail(step, float(n), f"exit-{n}").move(Event.DUE, float(n))
    assert step.looping(100.0) and not step.looping(3600.0 + STARTS_PER_HOUR)
    assert not step.move(Event.LOOPING, 100.0).move(Event.RETRIED, 101.0).looping(101.0)


def test_a_step_survives_the_journal() -> None:
    step = fail(NEW, 5.0)
    assert read_step({**step.record(), "unknown": 1}) == step


@pytest.mark.parametrize("change", [{"state": "?"}, {"step": "../x"}, {"step": 5}, {"starts": "x"}, {"starts": 5}])
def test_a_record_of_something_else_is_no_step(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        read_step({**NEW.record(), **change})


def test_the_unit_is_named_after_the_step() -> None:
    assert unit_name("trial-1") == "edgewright-step-trial-1.service"
    assert (
        valid_id("op-1") and not valid_id("") and not valid_id("a b") and not valid_id("-x") and not valid_id("x" * 101)
    )
