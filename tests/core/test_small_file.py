"""A short text from a file or from stdin: bounded, and never from the terminal whose keys the console reads."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from edgewright.clients.ssh.files.upload import MOST, read_source
from edgewright.commands.key.files import read_public_key
from edgewright.config.credentials import read_key_file
from edgewright.core import slow_files, small_file
from edgewright.core.errors import InvalidInput, UsageError
from edgewright.core.slow_files import Check, Stopped, in_thread
from edgewright.core.small_file import read_secret_line, read_small_file


def test_no_more_is_read_than_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("x" * 100)
    assert read_small_file(str(tmp_path / "key"), 10) == "x" * 10
    monkeypatch.setattr(sys, "stdin", io.StringIO("y" * 100))
    assert read_small_file("-", 10) == "y" * 10


def test_a_pipe_that_nobody_writes_to_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_file, "SILENCE", 0.05)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="Nothing was written into the pipe"):
        read_small_file(str(tmp_path / "pipe"), 10)


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, "zwölf\r\n".encode())
    os.close(write)
    assert read_small_file(f"/dev/fd/{read}", 100) == "zwölf\n"
    os.close(read)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("y" * 100), daemon=True)
    writer.start()
    assert read_small_file(str(pipe), 10) == "y" * 10
    writer.join(5)


def test_a_terminal_that_is_named_is_refused() -> None:
    master, slave = os.openpty()
    with pytest.raises(UsageError, match="it is a terminal"):
        read_small_file(os.ttyname(slave), 10)
    os.close(slave)
    os.close(master)


def test_a_key_file_without_end_is_refused_at_once() -> None:
    with pytest.raises(InvalidInput, match="contains no API key"):
        read_key_file("/dev/zero")


@pytest.mark.parametrize("read", [read_public_key, read_key_file, read_secret_line])
def test_stdin_that_is_a_terminal_is_refused_and_not_waited_for(read: object, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        with pytest.raises(UsageError, match="it is a terminal"):
            read("-")  # type: ignore[operator]
    os.close(master)


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
    monkeypatch.setattr(slow_files, "ENDING", 0.05)
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
