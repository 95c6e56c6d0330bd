"""The clock of the database as a hub has it (rule P82): moved no further than an answer demands."""

from __future__ import annotations

import pytest

from edgewright.core import times
from edgewright.hub.db.shared.database_clock import SLOW, DatabaseClock


class Steady:
    at = 100.0

    def __call__(self) -> float:
        return self.at


def test_an_answer_that_fits_changes_nothing_and_one_that_does_not_moves_it_just_so_far() -> None:
    steady = Steady()
    clock = DatabaseClock(steady)
    with pytest.raises(LookupError):
        clock.now()
    clock.learn(100.0, 1000.5, 101.0)
    assert clock.now() == 1000.0, "steady 100 is 999.5 to 1000.5"
    steady.at = 200.0
    clock.learn(200.0, 1100.3, 200.4)
    assert clock.now() == 1100.0
    clock.learn(200.0, 1100.9, 200.4)
    assert clock.now() == pytest.approx(1100.5), "steady 200.4 was 1100.9 at the latest"
    clock.learn(200.0, 1099.0, 200.4)
    assert clock.now() == pytest.approx(1099.0)
    clock.learn(200.0, 5000.0, 200.0 + SLOW)
    assert clock.now() == pytest.approx(1099.0), "an answer that took so long shows little"
    clock.learn(200.0, 5000.0, 200.1)
    assert clock.now() == pytest.approx(4999.9), "the database's clock was set, or another server answers"


def test_the_time_of_the_process_can_be_another_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "_clock", times._clock)
    times.use_clock(lambda: 5.0)
    assert times.now() == 5.0
    times.use_clock()
    assert times.now() > 1e9
