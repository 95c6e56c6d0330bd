from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.hosts.states import STATES, State, problems

# the names fixed by the command line's grammar
VERBS = {
    "host": "list show register tag untag reset delete logs install",
    "token": "create list show revoke activate delete",
    "site": "open doctor run bundle ledger",
}


def changed(state: State, field: str, value: Any) -> State:
    return State(**{**state._asdict(), field: value})


def test_no_state_waits_without_clock_person_evidence_and_a_way_out() -> None:
    assert problems(STATES) == []


def test_actions_are_verbs_of_the_command_line() -> None:
    for state in STATES.values():
        for action in state.actions:
            noun, _, verb = action.partition(" ")
            assert verb in VERBS[noun].split(), f"{state.key}: {action}"


@pytest.mark.parametrize("name", ["since", "deadline", "evidence", "next_check", "actions", "word", "meaning"])
def test_what_is_missing_is_found(name: str) -> None:
    for key, state in STATES.items():
        if state.waits:
            broken = changed(state, name, None if name == "deadline" else type(getattr(state, name))())
            assert any(key in problem for problem in problems({**STATES, key: broken}))
    waiting = next(state for state in STATES.values() if state.waits)
    for field, value in (("who", "nobody"), ("who", "cat"), ("glyph", "star"), ("key", "other")):
        assert problems({**STATES, waiting.key: changed(waiting, field, value)})
    assert waiting.deadline is not None
    lost = waiting._replace(deadline=waiting.deadline._replace(then="nowhere"))
    assert problems({**STATES, waiting.key: lost})
