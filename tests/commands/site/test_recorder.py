"""The file of a recording: a header that says what is masked, bounded, complete lines whatever happens to the disk."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgewright.commands.site.shells import recorder as module
from edgewright.commands.site.shells.recorder import Recorder, folder, recordings
from tests.support import ROOT


@pytest.fixture(autouse=True)
def home(quiet_home: Path) -> Path:
    return quiet_home


def made(**more: object) -> Recorder:
    return Recorder("kairos@edge-1:22", "Shell on edge-1", "xterm-256color", 80, 24, **more)  # type: ignore[arg-type]


def events(path: Path) -> list[list[object]]:
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def wait_until(truth: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not truth():
        assert time.monotonic() < end
        time.sleep(0.01)


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_header_name_rights_and_order() -> None:
    one = made()
    one.output("ünï".encode()[:3])
    one.output("ünï".encode()[3:] + b"\r\n$ ")
    one.size(100, 30)
    one.output(b"ls\r\n")
    one.close()
    assert one.path is not None and one.problem == ""
    assert one.path.stat().st_mode & 0o777 == 0o600 and one.path.parent.stat().st_mode & 0o777 == 0o700
    assert one.path.name[15:24] == "Z-edge-1_" or "Z-edge-1" in one.path.name
    header = json.loads(one.path.read_text().splitlines()[0])
    assert header["version"] == 2 and (header["width"], header["height"]) == (80, 24)
    assert header["title"] == "Shell on edge-1 (only known secrets are masked)"
    assert header["edgewright"]["target"] == "kairos@edge-1:22"
    assert header["edgewright"]["note"].startswith("Only known secrets are masked")
    assert [event[1:] for event in events(one.path) if event[1] == "r"] == [["r", "100x30"]]
    assert "".join(str(event[2]) for event in events(one.path) if event[1] == "o") == "ünï\r\n$ ls\r\n"
    times = [float(str(event[0])) for event in events(one.path)]
    assert times == sorted(times)


def test_a_secret_in_two_pieces_with_a_pause_between_is_masked() -> None:
    one = made()
    one.output(b"$ cat env\r\nAPI_TOKEN=cAn")
    time.sleep(1.2)  # written twice meanwhile
    one.output(b"ary7Qx\r\n")
    one.close()
    assert one.path is not None and one.masked == 1
    stored = "".join(str(event[2]) for event in events(one.path))
    assert stored == "$ cat env\r\nAPI_TOKEN=*********\r\n"


def test_it_ends_at_its_limit_and_says_so() -> None:
    said: list[str] = []
    one = made(ended=said.append, most=4096)
    for number in range(200):
        one.output(b"line %d of much output\r\n" % number)
        time.sleep(0.005)
    wait_until(lambda: said)
    one.output(b"after\r\n")
    one.close()
    assert one.path is not None
    last = events(one.path)[-1]
    assert last[2] == "\r\n[the recording ends here: it has 4096 bytes, its limit]\r\n"
    assert one.path.stat().st_size < 4096 + 300 and "its limit" in said[0] and len(said) == 1
    assert "after" not in one.path.read_text()


def test_a_disk_that_gets_full_costs_the_recording_alone() -> None:
    said: list[str] = []
    one = made(ended=said.append)
    with disk_of(3000):
        for number in range(100):
            one.output(b"line %d of much output\r\n" % number)
        wait_until(lambda: said)
        one.output(b"after\r\n")
        one.close()
    assert one.path is not None and said[0].startswith("The shell is not recorded any more: file too large at ")
    assert one.path.stat().st_size <= 3000 and all(len(event) == 3 for event in events(one.path))


def test_what_is_faster_than_the_recording_is_counted_and_no_secret_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BURST", 1000)
    monkeypatch.setattr(module, "RATE", 2000)
    clock = [0.0]
    monkeypatch.setattr(Recorder, "_now", lambda self: clock[0])
    one = made()
    one.output(b"API_TOKEN=cAn" + b"x" * 800)
    one.output(b"x" * 400)
    one.output(b"x" * 300)
    clock[0] = 0.5
    one.output(b"ary7Qx without an end of its line")
    one.output(b"ary7Qx\r\nlater\r\n")
    one.output(b"y\r\n" * 1000)
    one.close()
    assert one.path is not None
    text = "".join(str(event[2]) for event in events(one.path))
    assert text.startswith("API_TOKEN=" + "*" * 803 + "\r\n[740 bytes were faster than this recording]\r\n")
    assert "later\r\n" in text and "ary7Qx" not in text
    assert text.endswith("\r\n[3000 bytes were faster than this recording]\r\n")


def test_output_without_end_does_not_use_up_the_file() -> None:
    one = made()
    for _ in range(200):  # 6 MB, of which 2 are at once
        one.output(b"y\r\n" * 10_000)
    one.output(b"\r\n")
    one.close()
    one._thread.join(60)  # the end does not wait so long, and a busy machine needs it
    assert one.path is not None and one.problem == "" and one.path.stat().st_size < 8 * 1024 * 1024
    assert "bytes were faster than this recording" in one.path.read_text()


def test_the_oldest_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 3)
    folder().mkdir(parents=True)
    for number in range(5):
        (folder() / f"2026010{number}T000000Z-edge-1-0000.cast").write_text("old")
    one = made()
    one.close()
    assert [path.name[:8] for path in recordings()][1:] == ["20260104", "20260103"] and len(recordings()) == 3


def test_a_process_that_is_killed_leaves_a_readable_file() -> None:
    program = """
import os, time
from edgewright.commands.site.shells.recorder import Recorder
one = Recorder("edge-1", "Shell", "xterm", 80, 24)
one.output(b"before it\\r\\nhalf")
time.sleep(1)
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
    (file,) = recordings()
    assert "".join(str(event[2]) for event in events(file)) == "before it\r\n"
