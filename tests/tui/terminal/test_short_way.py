"""Frames that go to the terminal without the thread, in a real pty: in order, complete, and never waiting."""

from __future__ import annotations

import os
import pty
import termios
import threading
import time
import tty
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import pytest
from textual.drivers._writer_thread import WriterThread

from tui.terminal.output import ShortWay


class FakeDriver:
    """The part of a driver that is asked for its thread."""

    def __init__(self, thread: WriterThread | None) -> None:
        self._writer_thread = thread


class Place(NamedTuple):
    """A terminal, its other end, and the way to it."""

    other: int
    own: int
    thread: WriterThread
    way: ShortWay

    def send(self, text: str) -> str:
        """Write as the sender of frames does; returns what went to the thread."""
        rest, _ = self.way.write(text)
        if rest:
            self.thread.write(rest)
        return rest

    def read(self, size: int) -> bytes:
        """Read from the other end until so many bytes are there."""
        data = b""
        while len(data) < size:
            data += os.read(self.other, 65536)
        return data


@pytest.fixture
def place() -> Iterator[Place]:
    other, own = pty.openpty()
    tty.setraw(own)
    file = os.fdopen(os.dup(own), "w", encoding="utf-8", errors="backslashreplace")
    thread = WriterThread(file)
    thread.start()
    way = ShortWay(cast("Any", FakeDriver(thread)))
    waits(thread)
    yield Place(other, own, thread, way)
    way.close()
    os.close(own)
    os.close(other)  # a write that still waits ends
    thread._queue.put(None)
    thread.join(10)
    assert not thread.is_alive()


def waits(thread: WriterThread) -> None:
    """Wait until the thread waits for work."""
    end = time.monotonic() + 10
    while not cast("Any", thread._queue.not_empty)._waiters:
        assert time.monotonic() < end, "the thread waits for work"
        time.sleep(0.005)


def test_a_terminal_that_takes_it_gets_it_at_once(place: Place) -> None:
    assert place.send("┌ a frame ─") == ""
    assert place.read(15) == "┌ a frame ─".encode()
    assert os.get_blocking(place.own), "what the shell has open waits as before"


def test_what_the_thread_has_comes_first(place: Place) -> None:
    place.thread._queue.mutex.acquire()  # the thread cannot take what it is given
    given = threading.Thread(target=place.thread.write, args=("first ",))
    given.start()
    place.thread._queue.mutex.release()
    given.join()
    sent = place.send("second")
    assert place.read(12) == b"first second" and sent in ("", "second")


def test_a_terminal_that_takes_nothing_more_stops_nobody_and_loses_nothing(place: Place) -> None:
    text = "".join(f"{at:07d} ─" for at in range(20_000))
    began = time.monotonic()
    assert place.send(text), "more than a terminal takes"
    assert place.send(" and more") == " and more", "behind what the thread still has"
    assert time.monotonic() - began < 2.0
    data = (text + " and more").encode()
    assert place.read(len(data)).decode(errors="replace").replace("\ufffd", "") == data.decode()
    waits(place.thread)
    assert place.send("short again") == ""


def test_a_stopped_terminal_is_left_to_the_thread(place: Place) -> None:
    assert place.send("x") == "" and place.read(1) == b"x"
    termios.tcflow(place.own, termios.TCOOFF)
    assert place.send("stopped") == "stopped"
    termios.tcflow(place.own, termios.TCOON)
    assert place.read(7) == b"stopped"


@pytest.mark.parametrize(("done", "rest", "cut"), [(1, "─b", False), (2, "b", True), (3, "b", True), (4, "b", False)])
def test_a_character_that_is_cut_is_reported(
    place: Place, done: int, rest: str, cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.send("x")
    monkeypatch.setattr(os, "write", lambda handle, data: done)
    assert place.way.write("a─b") == (rest, cut)


def test_without_a_terminal_the_thread_writes_all(tmp_path: Any) -> None:
    with (tmp_path / "out").open("w") as file:
        thread = WriterThread(file)
        thread.start()
        waits(thread)
        way = ShortWay(cast("Any", FakeDriver(thread)))
        assert way.write("text") == ("text", False)
        thread.stop()
    assert ShortWay(cast("Any", FakeDriver(None))).write("text") == ("text", False)
