"""Turns of long work: one at a time, fairly among callers, and none is lost when a caller goes."""

from __future__ import annotations

import asyncio
import time

import pytest
from starlette.requests import ClientDisconnect

from edgewright.hub.http import shapes
from edgewright.hub.http.problems import Problem
from edgewright.hub.readmodel import pace
from edgewright.hub.readmodel.pace import Pace, Turns


async def work(turns: Turns, owner: str, slices: int, order: list[str]) -> None:
    async with Pace(turns, owner) as mine:
        for _ in range(slices):
            order.append(owner)
            await mine.rest()


async def test_turns_go_round_by_caller_and_not_by_request() -> None:
    turns = Turns()
    order: list[str] = []
    crowd = [asyncio.create_task(work(turns, "a", 3, order)) for _ in range(20)]
    await asyncio.sleep(0)
    other = asyncio.create_task(work(turns, "b", 3, order))
    await other
    assert len(order) < 20  # the other caller was done long before the crowd
    await asyncio.gather(*crowd)
    assert order.count("a") == 60


async def test_one_slice_at_a_time_between_two_rounds_of_the_loop() -> None:
    turns, running, rounds = Turns(), True, 0

    async def ticking() -> None:
        nonlocal rounds
        while running:
            rounds += 1
            await asyncio.sleep(0)

    order: list[str] = []
    ticker = asyncio.create_task(ticking())
    await asyncio.gather(*(work(turns, str(number), 5, order) for number in range(10)))
    running = False
    await ticker
    assert len(order) == 50
    assert rounds >= 45


async def test_a_caller_that_goes_gives_its_turn_back() -> None:
    turns = Turns()
    order: list[str] = []
    async with Pace(turns, "first"):
        waiting = [asyncio.create_task(work(turns, name, 1, order)) for name in ("x", "y", "z")]
        await asyncio.sleep(0)
        waiting[0].cancel()
    await asyncio.sleep(0)
    waiting[1].cancel()  # its turn was given to it just now, or it waits still
    await waiting[2]
    assert order[-1] == "z"
    async with asyncio.timeout(1):
        await work(turns, "later", 1, order)


async def test_work_whose_client_is_gone_stops() -> None:
    turns, left = Turns(), False

    async def gone() -> bool:
        return left

    steps = 0
    with pytest.raises(ClientDisconnect):
        async with Pace(turns, "a", gone) as mine:
            for steps in range(10):
                left = steps == 3
                await mine.rest()
    assert steps == 3
    async with asyncio.timeout(1), Pace(turns, "b"):
        pass


async def test_too_many_waiting_requests_of_one_caller_get_429() -> None:
    turns = Turns()
    async with Pace(turns, "busy"):
        waiting = [asyncio.create_task(turns.take("crowd")) for _ in range(pace.MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            Pace(turns, "crowd").admit()
        assert refused.value.status == 429 and refused.value.headers["Retry-After"] == "1"
        Pace(turns, "other").admit()
        for task in waiting:
            task.cancel()


def test_a_body_of_too_many_values_is_refused_before_it_is_checked() -> None:
    for body in (b"[" + b"[]," * 340_000 + b"[]]", b'{"a":[' + b"1," * 25_000 + b"1]}", b"[" * 21_000 + b"]" * 21_000):
        began = time.process_time()
        with pytest.raises(Problem) as refused:
            shapes.decode(body)
        assert time.process_time() - began < 1
        assert refused.value.status == 422 or b"[[" in body
    most = b"[" + b'"a,b,c",' * (shapes.MAX_VALUES - 2) + b'"d"]'
    assert len(shapes.decode(most)) == shapes.MAX_VALUES - 1
