from __future__ import annotations

import pytest

from edgewright.core.hosts import states
from edgewright.core.hosts.operations import OVERDUE_SHOWN, kind_text, operation_status

NOW = 1000.0


@pytest.mark.parametrize(
    ("state", "deadline", "answered", "expected"),
    [
        ("pending", NOW + 60, False, states.OPERATION_PENDING),
        ("pending", None, False, states.OPERATION_PENDING),
        ("pending", NOW, False, states.OPERATION_OVERDUE),
        ("pending", NOW - 10 * OVERDUE_SHOWN, False, states.OPERATION_OVERDUE),
        ("expired", NOW - 60, False, states.OPERATION_OVERDUE),
        ("expired", NOW - 60, True, ""),
        ("expired", NOW - OVERDUE_SHOWN, False, ""),
        ("succeeded", NOW - 60, True, ""),
        ("failed", NOW + 60, True, ""),
        ("refused", None, True, ""),
    ],
)
def test_overdue_from_the_deadline_on_and_over_with_a_result(
    state: str, deadline: float | None, answered: bool, expected: str
) -> None:
    found = operation_status(NOW, state, deadline, answered)
    assert found.state == expected
    assert found.waits == bool(expected)
    assert found.overdue == (expected == states.OPERATION_OVERDUE)


def test_the_time_left_turns_negative_past_the_deadline() -> None:
    assert operation_status(NOW, "pending", NOW + 5).left == 5
    assert operation_status(NOW, "pending", NOW - 5).left == -5
    assert operation_status(NOW, "pending", None).left is None


def test_kinds_have_words_and_unknown_ones_keep_their_name() -> None:
    assert kind_text("collect-logs") == "log"
    assert kind_text("defragment") == "defragment"
