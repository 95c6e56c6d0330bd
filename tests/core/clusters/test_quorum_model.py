"""Quorum and grants: all interleavings of faults, operators and the plane, with the planner's own rules."""

from __future__ import annotations

import time

import pytest

from edgewright.core.clusters import quorum
from edgewright.core.clusters.planning import duties
from edgewright.core.clusters.quorum import Verdict
from tests.core.clusters.quorum_model import Result, Rules, State, explore, settles, start

EVENTS = 6
MUTANTS = {
    "no guard": (3, True, 3, Rules(guard=False), "quorum lost by our own action"),
    "two grants": (3, False, 2, Rules(one_grant=False), "two grants"),
    "grant over too early": (3, False, 2, Rules(grant_until_voter=False), "before its host is a healthy voter"),
    "init moved": (2, False, 3, Rules(init_fixed=False), "formed 2 times"),
}


def test_every_state_of_a_small_cluster_keeps_its_rules_and_settles() -> None:
    unsettled: list[str] = []

    def visit(state: State) -> None:
        problem = "" if unsettled else settles(state)
        if problem:
            unsettled.append(problem)

    result = explore(start(2, formed=False), 2, visit=visit)
    assert (result.broken, unsettled) == ("", [])
    assert result.states > 200


def mutated(name: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    size, formed, depth, rules, _ = MUTANTS[name]
    with monkeypatch.context() as patch:
        if not rules.guard:
            patch.setattr(quorum, "may_remove", lambda members, identifier: Verdict(True, ""))
        if not rules.grant_until_voter:
            patch.setattr(duties, "admitted", lambda observed, document, member: member.host_uid != "host-1")
            # `rules` is part of the key of what the model remembers, so nothing of the mutant stays behind.
        return explore(start(size, formed), depth, rules)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mutated(name, monkeypatch).broken.endswith(MUTANTS[name][-1])
    size, formed, depth, *_ = MUTANTS[name]
    assert explore(start(size, formed), min(depth, 2)).broken == ""


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_one_to_five_control_planes_through_six_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prints the table; under 60 s on an idle core."""
    began = time.process_time()
    rows = [f"{'members':8} {'start':10} {'events':>6} {'states':>9} {'steps':>9} {'CPU s':>6}  result"]
    total = 0
    for size in range(1, 6):
        for formed in (False, True):
            first = time.process_time()
            result = explore(start(size, formed), EVENTS)
            total += result.states
            spent = time.process_time() - first
            begin = "formed" if formed else "not formed"
            rows.append(
                f"{size:<8} {begin:10} {EVENTS:>6} {result.states:>9,} {result.steps:>9,} {spent:>6.1f}  "
                f"{result.broken or 'holds'}"
            )
            assert not result.broken
    for name in MUTANTS:
        result = mutated(name, monkeypatch)
        rows.append(f"mutant {name}: caught after {result.states:,} states: {result.broken}")
        assert result.broken
    spent = time.process_time() - began
    rows.append(f"{total:,} states in {spent:.0f} s of CPU")
    print("\n" + "\n".join(rows))
    assert spent < 60
