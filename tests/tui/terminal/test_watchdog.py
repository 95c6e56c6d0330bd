"""The watchdog of the console: what counts as a reason to end, and that the process ends although nothing else runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from textual.app import SuspendNotSupported

from tui.terminal.lend import terminal_lent
from tui.terminal.watchdog import MODES_OFF, STOPPED, Watchdog

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a pty")


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal; the master may be closed by the test."""
    master, slave = pty.openpty()
    yield master, slave
    os.close(slave)
    try:
        os.close(master)
    except OSError:
        return


def until(what: Callable[[], object], patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("numbers", "code"),
    [((signal.SIGHUP,), 129), ((signal.SIGTERM,), 143), ((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGINT,), 0)],
)
def test_a_signal_ends_a_process_whose_loop_does_not_run(
    terminal: tuple[int, int], numbers: tuple[int, ...], code: int
) -> None:
    ended: list[int] = []
    steps: list[str] = []
    with Watchdog(
        lambda: steps.append("last"), patience=0.05, terminal=terminal[1], output=terminal[1], end=ended.append
    ):
        for number in numbers:
            signal.raise_signal(number)
            time.sleep(0.02)
        if code:
            until(lambda: ended)
        else:
            time.sleep(0.1)  # as long as two times its patience: nothing ends
    assert ended == ([code] if code else [])
    assert steps == (["last"] if code else [])


def test_ctrl_c_is_for_the_program_that_the_terminal_is_lent_to(terminal: tuple[int, int]) -> None:
    """Two of them end the console when it has the terminal itself."""
    ended: list[int] = []
    with Watchdog(patience=0.05, terminal=terminal[1], output=terminal[1], end=ended.append) as watchdog:
        app: Any = SimpleNamespace(
            session=SimpleNamespace(watchdog=watchdog), batch_update=contextlib.nullcontext, suspend=no_terminal
        )
        with terminal_lent(app):
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
                time.sleep(0.02)
            time.sleep(0.1)
        assert ended == [] and watchdog.code == 0 and not watchdog.lent
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.02)
        signal.raise_signal(signal.SIGINT)
        until(lambda: ended)
    assert ended == [130]


def no_terminal() -> None:
    raise SuspendNotSupported


def test_the_modes_of_a_terminal_that_lives_are_restored(terminal: tuple[int, int]) -> None:
    master, slave = terminal
    before = termios.tcgetattr(slave)
    ended: list[int] = []
    with Watchdog(patience=0.05, terminal=slave, output=slave, end=ended.append):
        raw = termios.tcgetattr(slave)
        raw[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(slave, termios.TCSANOW, raw)
        signal.raise_signal(signal.SIGTERM)
        until(lambda: ended)
    assert termios.tcgetattr(slave) == before
    assert os.read(master, 1000).decode() == MODES_OFF + STOPPED.replace("\r\n", "\r\r\n")


def test_a_terminal_that_hangs_up_ends_it_without_any_signal_and_nothing_reads_from_it(
    terminal: tuple[int, int],
) -> None:
    master, slave = terminal
    ended: list[int] = []
    deaf: list[int] = []
    with Watchdog(patience=0.05, terminal=slave, output=slave, end=ended.append) as watchdog:

        async def open_loop() -> None:
            watchdog.lead(lambda code: None, lambda: None, lambda: deaf.append(1))

        asyncio.run(open_loop())
        time.sleep(0.05)
        assert ended == []
        os.close(master)
        until(lambda: ended)
    assert ended == [129]
    assert deaf == [1]


async def test_a_loop_that_runs_is_asked_to_leave_at_once(terminal: tuple[int, int]) -> None:
    asked: asyncio.Queue[object] = asyncio.Queue()
    ended: list[int] = []
    with Watchdog(terminal=terminal[1], output=terminal[1], end=ended.append) as watchdog:
        watchdog.lead(asked.put_nowait, lambda: asked.put_nowait("interrupt"))
        signal.raise_signal(signal.SIGINT)
        assert await asyncio.wait_for(asked.get(), 10) == "interrupt"
        signal.raise_signal(signal.SIGTERM)
        assert await asyncio.wait_for(asked.get(), 10) == 143
    assert (ended, watchdog.code) == ([], 143), "the orderly end was in time"


def test_a_second_signal_ends_it_at_once_and_the_signals_of_one_closed_window_are_one(
    terminal: tuple[int, int],
) -> None:
    ended: list[int] = []
    with Watchdog(patience=60, terminal=terminal[1], output=terminal[1], end=ended.append):
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        time.sleep(0.6)
        assert ended == []
        signal.raise_signal(signal.SIGTERM)
        until(lambda: ended)
    assert ended == [129]


def test_an_app_that_is_left_by_a_key_ends_in_time_or_is_ended(terminal: tuple[int, int]) -> None:
    ended: list[int] = []
    with Watchdog(by_key=0.1, terminal=terminal[1], output=terminal[1], end=ended.append) as watchdog:
        watchdog.leaving()
        watchdog.left()
        time.sleep(0.2)
        assert ended == [], "the app has ended: what is closed after it may take its time"
        watchdog.leaving()
        until(lambda: ended)
    assert ended == [1]


def test_ctrl_c_ends_at_once_what_was_left_by_a_key(terminal: tuple[int, int]) -> None:
    ended: list[int] = []
    with Watchdog(by_key=60, terminal=terminal[1], output=terminal[1], end=ended.append) as watchdog:
        watchdog.leaving()
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.05)
        assert ended == [], "the same press"
        time.sleep(0.5)
        signal.raise_signal(signal.SIGINT)
        until(lambda: ended)
    assert ended == [130]


def test_handlers_and_a_sighup_ignored_by_nohup_are_left_as_they_were(terminal: tuple[int, int]) -> None:
    numbers = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    found = [signal.getsignal(number) for number in numbers]
    try:
        with Watchdog(terminal=terminal[1]):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not found[1]
        assert [signal.getsignal(number) for number in numbers] == found
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_regular_expression_that_never_ends_is_ended_by_the_kernel() -> None:
    """It holds the interpreter's lock: no thread of Python runs, the watchdog's neither."""
    program = (
        "import re, tui.terminal.watchdog as w\n"
        "w.TIMER = 0.2\n"
        "with w.Watchdog(patience=0.1):\n"
        "    print('begun', flush=True)\n"
        "    re.match(r'(a|aa)+$', 'a' * 60 + 'b')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=20) == -signal.SIGALRM
