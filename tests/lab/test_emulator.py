"""The bad link's arithmetic, with a clock of our own."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.lab.emulator import QUEUE_SECONDS, Line, Quality


def line(delay: float = 0.0, jitter: float = 0.0, loss: float = 0.0, rate: float = 0.0) -> Line:
    return Line(Quality(delay, jitter, loss, rate), random.Random(7))


def test_a_plain_line_is_at_once() -> None:
    assert line().arrival(5.0, 1500) == 5.0


def test_delay() -> None:
    assert line(delay=0.15).arrival(5.0, 1500) == pytest.approx(5.15)


def test_rate_makes_frames_wait_for_each_other() -> None:
    slow = line(rate=8000.0)
    assert slow.arrival(0.0, 800) == pytest.approx(0.1)
    assert slow.arrival(0.0, 800) == pytest.approx(0.2)
    assert slow.arrival(1.0, 800) == pytest.approx(1.1)


def test_a_full_queue_drops() -> None:
    slow = line(rate=1000.0)
    arrivals = [slow.arrival(0.0, 100) for _ in range(20)]
    assert arrivals[6] is not None
    assert arrivals[-1] is None
    assert max(at for at in arrivals if at is not None) <= QUEUE_SECONDS + 0.1 + 1e-9


def test_loss_is_about_the_share_asked_for() -> None:
    lossy = line(loss=0.2)
    lost = sum(lossy.arrival(0.0, 100) is None for _ in range(5000))
    assert 800 < lost < 1200


@given(st.floats(0, 2), st.floats(0, 1), st.floats(0, 1e6), st.lists(st.tuples(st.floats(0, 1), st.integers(14, 1514))))
def test_nothing_arrives_before_it_was_sent(
    delay: float, jitter: float, rate: float, frames: list[tuple[float, int]]
) -> None:
    tested, now = line(delay, jitter, 0.0, rate), 0.0
    for pause, size in frames:
        now += pause
        at = tested.arrival(now, size)
        assert at is None or at >= now
