"""Heartbeats of a busy fleet are read in groups, and nothing else waits for them (docs/hub.md, limits)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgewright.hub.readmodel import pace
from edgewright.hub.resources.hosts.beat_rounds import ENOUGH, REST, TOGETHER, BeatRounds
from edgewright.hub.resources.hosts.heartbeat import Heartbeats


class Fleet:
    """A clock, and how long the loop slept; `crowded` is what the writer reports."""

    def __init__(self) -> None:
        self.now, self.slept, self.crowded = 0.0, 0.0, True
        self.rounds = BeatRounds(lambda: self.crowded, self.sleep, lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.now, self.slept = self.now + seconds, self.slept + seconds

    def send(self, rate: float, seconds: float = 2.0) -> int:
        """Let heartbeats arrive that are apart by the same time; returns the rounds in which the loop takes them."""
        arrivals, rounds = self._arrivals(rate, seconds), 0
        due = next(arrivals)
        while due < float("inf"):
            self.now = max(self.now, due)
            while due <= self.now:
                self.rounds._count += 1
                due = next(arrivals)
            self.rounds.end()
            rounds += 1
        return rounds

    def _arrivals(self, rate: float, seconds: float) -> Iterator[float]:
        began = self.now
        yield from (began + number / rate for number in range(int(rate * seconds)))
        yield float("inf")


@pytest.mark.parametrize("rate", [250, 500, 1_000, 4_000])
def test_a_busy_fleet_costs_the_loop_a_round_for_many_heartbeats(rate: float) -> None:
    fleet = Fleet()
    assert fleet.send(rate, 1.0) > 0
    before = fleet.slept
    rounds = fleet.send(rate, 2.0)
    assert 2 * rate / rounds >= 0.8 * min(TOGETHER, rate * REST)
    assert (fleet.slept - before) / rounds <= REST + 1e-9, "whatever else the loop has to do waits no longer"


def test_a_small_fleet_and_one_sender_wait_for_nothing() -> None:
    fleet = Fleet()
    fleet.send(150)
    assert fleet.slept == 0.0
    fleet.crowded = False  # one sender, which waits for each answer, however fast it is
    fleet.send(1_000)
    assert fleet.slept == 0.0


def test_the_loop_sleeps_once_a_round_and_never_when_a_round_has_enough() -> None:
    fleet = Fleet()
    fleet.send(1_000)
    before = fleet.slept
    for _ in range(20):  # bursts of as many as one round should have
        fleet.now += 0.02
        fleet.rounds._count = ENOUGH
        fleet.rounds.end()
    assert fleet.slept == before


def test_a_loop_that_is_busy_for_as_long_does_not_sleep_as_well() -> None:
    fleet = Fleet()
    fleet.send(300)
    for wanted in (fleet.slept, fleet.slept, fleet.slept + REST / 2):
        fleet.now += REST if wanted == fleet.slept else REST / 2  # what the round took
        fleet.rounds._count = 10
        fleet.rounds.end()
        assert fleet.slept == pytest.approx(wanted)


async def test_all_heartbeats_of_one_round_are_counted_once() -> None:
    seen: list[float] = []
    rounds = BeatRounds(lambda: True, seen.append)
    rounds._rate, rounds._began, rounds._rested = 300.0, float("inf"), time.monotonic()
    for _ in range(3):
        rounds.note()
    await asyncio.sleep(0)
    assert seen == [pytest.approx(REST, abs=0.005)] and rounds._count == 0


def test_the_loop_does_not_sleep_while_users_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step of a request, and each 256 KiB of a relay stream, would wait for the next round."""
    turns, now = pace.Turns(), 1_000.0
    monkeypatch.setattr(pace, "monotonic", lambda: now)
    options, writer = SimpleNamespace(heartbeat=60.0), SimpleNamespace(crowded=True)
    may_sleep = Heartbeats(cast(Any, SimpleNamespace(options=options, writer=writer, turns=turns)))._rounds._crowded
    assert may_sleep()
    turns.note_user()
    assert not may_sleep()
    now += pace.ATTENDED
    assert may_sleep()
