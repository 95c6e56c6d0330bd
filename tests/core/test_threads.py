"""Blocking work that its caller leaves: it ends with its next piece, and what it holds is free then."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from edgewright.clients.ssh.files.upload import MOST, read_source
from edgewright.core import threads
from edgewright.core.threads import Check, Stopped, in_thread


async def test_work_gives_its_result_or_its_error() -> None:
    assert await in_thread(lambda check: 7) == 7
    with pytest.raises(ValueError, match="seven"):
        await in_thread(lambda check: int("seven"))


async def test_work_of_a_cancelled_caller_ends_with_its_next_piece() -> None:
    began, ended = threading.Event(), threading.Event()

    def work(check: Check) -> None:
        try:
            while True:
                check()
                began.set()
                time.sleep(0.001)
        except Stopped:
            ended.set()
            raise

    task = asyncio.ensure_future(in_thread(work))
    while not began.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_thread_that_does_not_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "ENDING", 0.05)
    goes_on = threading.Event()
    task = asyncio.ensure_future(in_thread(lambda check: goes_on.wait(30)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    goes_on.set()


async def test_the_hash_of_a_large_file_is_not_waited_for(tmp_path: Path) -> None:
    """64 GiB are hashed in a minute at least."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(in_thread(partial(read_source, tmp_path / "large")), 0.05)
    assert time.monotonic() - began < 5
