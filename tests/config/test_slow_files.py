"""Files that a user names: one on a share that does not answer stops neither the console nor the command line."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from edgewright.core import slow_files
from edgewright.core.errors import TimedOut
from edgewright.core.slow_files import glance, read_in_time


@pytest.fixture
def silent(tmp_path: Path) -> Path:
    """Return a pipe that nobody writes: opening it takes for ever, as a file on a dead share does."""
    path = tmp_path / "silent"
    os.mkfifo(path)
    return path


async def test_a_file_is_read_while_the_loop_goes_on(tmp_path: Path, silent: Path) -> None:
    (tmp_path / "a").write_text("text")
    assert await read_in_time((tmp_path / "a").read_text, "a") == "text"
    with pytest.raises(FileNotFoundError):
        await read_in_time((tmp_path / "b").read_text, "b")
    waiting = asyncio.ensure_future(read_in_time(silent.read_text, str(silent), 0.2))
    for _ in range(5):
        await asyncio.sleep(0.01)
    assert not waiting.done()
    with pytest.raises(TimedOut) as late:
        await waiting
    assert late.value.message == f"{silent} does not answer within 0.2 s." and late.value.exit_code == 8


async def test_stdin_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_files, "SECONDS", 0.01)

    def typed() -> str:
        time.sleep(0.05)
        return "typed"

    assert await read_in_time(typed, "-") == "typed"


def test_a_form_waits_once_for_a_path_that_does_not_answer(
    silent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_files, "GLANCE", 0.05)
    assert glance(silent.exists, "there") and not glance((tmp_path / "b").exists, "b")
    with pytest.raises(TimedOut):
        glance(silent.read_text, str(silent))
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(TimedOut):
            glance(silent.read_text, str(silent))
    assert time.monotonic() - began < 0.04, "the path is known not to answer"
    silent.write_text("now")  # ends the first look
    end = time.monotonic() + 5
    while str(silent) in slow_files._waiting and time.monotonic() < end:
        time.sleep(0.01)
    assert glance(lambda: "again", str(silent)) == "again"


def test_only_so_many_paths_are_waited_for(silent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_files, "_waiting", {str(number) for number in range(slow_files.MOST)})
    with pytest.raises(TimedOut):
        glance(silent.exists, "one more")
