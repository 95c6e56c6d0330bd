"""A short text from a file or from stdin: bounded, and never from the terminal whose keys the console reads."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import pytest

from edgewright.commands.key.files import read_public_key
from edgewright.config.credentials import read_key_file
from edgewright.core import small_file
from edgewright.core.errors import InvalidInput, UsageError
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
