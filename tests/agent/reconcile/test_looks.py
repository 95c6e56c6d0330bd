"""How often the engine looks: once after a program has ended, soon for what is waited for, and then less often."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.agent.reconcile.runner import UnitState
from edgewright.agent.reconcile.steps import Seen, State
from tests.agent.reconcile.test_engine import World
from tests.agent.reconcile.test_reconciler import Host


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_ended_before_a_look_is_observed_once_and_what_was_done_is_lost_only_by_two_observations(
    world: World,
) -> None:
    world.run("a", "b")
    world.end("a", 0, Seen.DONE)
    world.engine.look()
    assert world.driver.refreshed == 1, "what was observed before its end counts no more"
    world.driver.observed = 0
    world.run("a", "b")
    assert world.driver.refreshed == 1 and world.driver.observed == 2, "once for each step"
    world.engine.look()
    world.end("b", 0, Seen.NOT_DONE)
    assert world.run("a", "b").waiting_for == "", "it ran when the look began: the next one judges it"
    world.driver.observed = 0
    real, answers = world.driver.observe, [Seen.NOT_DONE, Seen.DONE]
    world.driver.observe = lambda action: (answers.pop(0), "") if answers else real(action)  # type: ignore[method-assign]
    assert world.run("a").done and not answers and world.state("a") is State.DONE


def test_what_is_waited_for_is_looked_at_soon_and_then_less_often(world: World) -> None:
    def waits(count: int) -> list[float]:
        result = []
        for _ in range(count):
            world.driver.waiting = f"the grant of the leader, since {world.now:.0f} s"
            result.append(world.run("a").again or 0.0)
            world.now += result[-1]
        return result

    first = waits(40)
    assert first[:4] == [2.0] * 4 and first == sorted(first) and first[-1] == 10.0
    world.driver.waiting = "the API does not answer"
    assert world.run("a").again == 2.0, "another reason"


def test_a_document_is_looked_at_again_as_it_asks_also_while_a_step_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leader of a cluster waits for another host while its own add-on waits for its pods."""
    host = Host(tmp_path)
    host.offer(1, 5)
    monkeypatch.setattr(host.trial, "again", lambda document: 3.0)
    assert host.reconciler.tick() == 3.0 and len(host.reconciler.running()) == 1
    monkeypatch.setattr(host.trial, "permanent", lambda code: True)
    (step,) = host.reconciler.running()
    host.runner.units[step.unit] = UnitState("ended", 4)
    assert host.reconciler.tick() == 3.0, "a leader whose step waits for an operator renews its Lease"
    assert (host.handover.observed.progress() or {})["waitingFor"] == "operator"
