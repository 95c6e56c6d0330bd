"""Long work and how it is stopped: what the thread says on its way out is what the operator reads."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable

import pytest

from edgewright.commands.forge.background import terminated_is_cancelled
from edgewright.commands.forge.jobs import work
from edgewright.core.errors import Cancelled, Failed
from edgewright.forge.progress import Job


class Half(Cancelled):
    """A stop that leaves something."""

    def __init__(self) -> None:
        super().__init__()
        self.message = "sdb is half written."


def quiet(line: str) -> None: ...


def until_stopped(job: Job) -> None:
    while not job.cancelled:
        time.sleep(0.01)


async def stopped(do: Callable[[Job], object], *, times: int = 1) -> object:
    begun = threading.Event()

    def begin(job: Job) -> object:
        begun.set()
        return do(job)

    task = asyncio.ensure_future(work(begin, quiet))
    while not begun.is_set():
        await asyncio.sleep(0.01)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0.02)
    return await task


async def test_a_stopped_job_says_so() -> None:
    def do(job: Job) -> None:
        until_stopped(job)
        job.check()

    with pytest.raises(Cancelled, match=r"^Stopped; nothing partial is left\.$"):
        await stopped(do)


async def test_what_is_left_after_a_stop_is_said() -> None:
    """A disk that is half written must not be reported as `nothing partial is left`."""

    def do(job: Job) -> None:
        until_stopped(job)
        raise Half

    with pytest.raises(Half) as caught:
        await stopped(do)
    assert caught.value.message == "sdb is half written."


async def test_impatience_does_not_cut_the_cleaning_up_short() -> None:
    cleaned: list[bool] = []

    def do(job: Job) -> None:
        until_stopped(job)
        time.sleep(0.3)
        cleaned.append(True)
        job.check()

    with pytest.raises(Cancelled):
        await stopped(do, times=3)
    assert cleaned == [True]


async def test_an_error_on_the_way_out_is_a_stop_and_a_result_is_a_result() -> None:
    def fails(job: Job) -> None:
        until_stopped(job)
        raise Failed("The pipe broke.")

    def finishes(job: Job) -> str:
        until_stopped(job)
        return "done"

    with pytest.raises(Cancelled):
        await stopped(fails)
    assert await stopped(finishes) == "done"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_it_and_the_inner_of_two_leaves_it_to_the_outer(number: int) -> None:
    def do(job: Job) -> None:
        signal.raise_signal(number)
        until_stopped(job)
        raise Half

    before = signal.getsignal(number)
    with pytest.raises(Half), terminated_is_cancelled(), terminated_is_cancelled():
        await work(do, quiet)
    assert signal.getsignal(number) == before
