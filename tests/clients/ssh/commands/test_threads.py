"""Blocking work in a thread that stays: in order, with its errors, and begun again after its end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from edgewright.clients.ssh.threads import Worker


async def test_work_is_done_in_order_by_one_thread_which_ends_and_begins_again() -> None:
    worker, done = Worker("test-worker"), list[tuple[int, int]]()
    worker.end()  # nothing began
    futures = [worker.do(lambda n=n: done.append((n, threading.get_ident()))) for n in range(20)]  # type: ignore[misc]
    await asyncio.gather(*futures)
    assert [number for number, _ in done] == list(range(20)) and len({thread for _, thread in done}) == 1
    thread = next(thread for thread in threading.enumerate() if thread.ident == done[0][1])

    def fail() -> None:
        raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        await worker.do(fail)
    assert await worker.do(lambda: 7) == 7 and thread.is_alive()
    worker.end()
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()
    assert await worker.do(lambda: 8) == 8
    worker.end()
