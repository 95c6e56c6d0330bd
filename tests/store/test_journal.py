"""The journal of commands: before and after, private, and what a crash leaves is found."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from edgewright.store.engine.journal import Journal
from tests.support import ROOT


def test_what_was_begun_and_ended_is_there(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.jsonl"
    journal = Journal(path, now=lambda: 5.0)
    entry = journal.begin("host delete", ["edge-1"], {"lines": ["deletes edge-1"]})
    journal.end(entry, {"done": ["edge-1"]})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (found,) = journal.entries()
    assert (found.command, found.targets, found.begun, found.ended) == ("host delete", ("edge-1",), 5.0, 5.0)
    assert found.outcome == {"done": ["edge-1"]} and not journal.unfinished()


def test_a_command_of_this_process_is_not_called_unfinished(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.begin("host delete", [], {})
    assert not journal.unfinished()


def test_what_a_killed_process_left_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "j"
    code = (
        "import os, signal, pathlib; from edgewright.store.engine.journal import Journal;"
        f"Journal(pathlib.Path({str(path)!r})).begin('token revoke', ['t'], {{}}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    (left,) = Journal(path).unfinished()
    assert left.command == "token revoke" and left.pid != os.getpid()


def test_a_half_written_line_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path)
    journal.begin("host tag", ["a"], {})
    path.write_bytes(path.read_bytes() + b'{"id":"x","beg')
    second = journal.begin("host untag", ["b"], {})
    journal.end(second, {})
    assert [entry.command for entry in journal.entries()] == ["host tag", "host untag"]
    assert all(line.startswith(b"{") for line in path.read_bytes().splitlines())
    assert json.loads(path.read_bytes().splitlines()[-1])["id"] == second


def test_no_file_is_an_empty_journal(tmp_path: Path) -> None:
    assert Journal(tmp_path / "none").entries() == []
