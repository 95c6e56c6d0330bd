"""The log on stderr never stops the hub: a container runtime or a journal may stop to read it."""

from __future__ import annotations

import logging
import os
import time

import pytest

from edgewright.hub.process.observe import stderr
from edgewright.hub.process.observe.stderr import MOST, StderrHandler


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("t", logging.INFO, __file__, 0, text, None, None)


def test_a_reader_that_stops_costs_lines_and_not_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stderr, "END_WITHIN", 0.1)
    ours, theirs = os.pipe()
    handler = StderrHandler(theirs)
    began = time.monotonic()
    for number in range(3 * MOST):
        handler.handle(record(f"{number} {'x' * 200}"))  # 64 KiB fit into the pipe
    assert time.monotonic() - began < 1
    handler.close()
    assert time.monotonic() - began < 3, "the end of the program does not wait for it either"
    text = b""
    while b"lines are missing here" not in text:
        text += os.read(ours, 65536)
    lines = text.decode().splitlines()
    assert lines[0].startswith("0 x") and "they are in hub.log" in lines[-1]
    missing = int(lines[-1].split()[0])
    assert MOST <= missing < 2 * MOST and len(lines) - 1 + missing == 3 * MOST
    handler.handle(record("again"))
    assert os.read(ours, 100) == b"again\n"
    os.close(ours)


def test_a_closed_stderr_is_no_error() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    handler = StderrHandler(theirs)
    handler.handle(record("nobody reads"))
    handler.close()
    handler.handle(record("nor this"))
    handler.close()
