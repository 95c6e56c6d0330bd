"""A program that is forked by the tests is as one that is started: output, exit code, folder, environment, signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forked
from tests.forked import Forked, can_fork
from tests.support import ROOT


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "edgewright", *words]


@pytest.mark.parametrize(
    "words", [("--version",), ("nonsense",), ("site", "ledger", "list"), ("profile", "lint", "folder")]
)
def test_it_ends_as_one_that_is_started(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEWRIGHT_HOME": str(tmp_path / "ew")}
    started = subprocess.run(
        command(*words), capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    program = forked.run(command(*words), env=environment)
    assert (program.returncode, program.stdout, program.stderr) == (started.returncode, started.stdout, started.stderr)


def test_it_hears_signals_and_is_a_child_that_is_waited_for(tmp_path: Path) -> None:
    words = ("context", "add", "shop", "--url", "https://127.0.0.1:9", "--api-key-file", "-")
    program: Forked[str]
    with Forked(
        command(*words), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        assert os.getpgid(program.pid) == program.pid and program.poll() is None
        program.send_signal(signal.SIGKILL)
        assert program.wait(10) == -signal.SIGKILL


def test_an_answer_that_nobody_waited_for_is_not_that_of_the_next_program() -> None:
    """The time of a test was over while it waited for it; the programs of all later tests got another's number."""
    asked = forked._forker(forked.PROGRAM)
    request = {
        "module": "edgewright", "arguments": ["--version"], "folder": "/", "environment": dict(os.environ),
        "session": False, "number": 0,
    }  # fmt: skip
    with open(os.devnull, "r+b") as nothing:
        socket.send_fds(asked._socket, [json.dumps(request).encode()], [nothing.fileno()] * 3)
    program = forked.run(command("nonsense"))
    assert program.returncode == 2 and "nonsense" in program.stderr


def test_what_a_start_looks_at_needs_a_start() -> None:
    assert can_fork({"EDGEWRIGHT_HOME": "x"})
    for name in ("LD_PRELOAD", "PYTHONIOENCODING", "LC_ALL", "LANG"):
        assert not can_fork({name: "x"})
