"""`site run` against a real sshd: results, exit codes, what stops it, journal, no secrets."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edgewright.cli import main
from tests.clients.ssh.sshd import user_of_hosts
from tests.forked import Forked

CANARY = "canary-8d1f-geheim"


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@dataclass
class Desk:
    """A user's machine: `run` runs `edgewright site run` there, in this process; `journal` is what it wrote."""

    home: Path
    env: dict[str, str]

    def run(self, *words: str, stdin: str = "") -> Done:
        out, errors = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
            for name in set(os.environ) - set(self.env):
                patch.delenv(name)
            for name, value in self.env.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            code = main.run(["site", "run", *words])
        assert "Traceback" not in errors.getvalue()
        return Done(code, out.getvalue(), errors.getvalue())

    @property
    def journal(self) -> Path:
        return self.home / ".local/state/edgewright/journal.jsonl"

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal.read_text().splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A configuration with `box1` to `box6` (one real sshd), `shut`, and `odd`, whose key is another one."""
    folder = tmp_path_factory.mktemp("fleet")
    with user_of_hosts(folder, "box*") as (home, env):
        yield Desk(home, env)


def test_each_host_has_its_result_and_the_journal_has_it_without_output_and_secrets(desk: Desk) -> None:
    text = f"echo hello; echo bad >&2; : --password={CANARY}; test $SSH_CONNECTION || exit 3"
    done = desk.run("box1", "shut", "box2", "--yes", "-o", "json", "--", text)
    assert done.returncode == 1, "the failures differ in kind, or it is that of a command"
    found = {each["target"]: each for each in json.loads(done.stdout)}
    assert [found[name]["result"] for name in ("box1", "shut", "box2")] == ["failed", "not-reached", "failed"]
    assert found["box1"]["exit"] == 3 and found["box1"]["output"] == ["hello"] and "bad" in found["box1"]["errors"]
    assert found["shut"]["error"]["code"] == "ConnectionRefused" and found["shut"]["seconds"] is None
    assert found["box2"]["seconds"] > 0 and found["box2"]["mayRunOn"] is False
    begin, end = desk.entries()[-2:]
    assert begin["begin"] == "site run" and begin["targets"] == ["box1", "shut", "box2"]
    assert end["end"]["facts"]["hosts"]["box1"] == {"result": "failed", "exit": 3, "seconds": found["box1"]["seconds"]}
    stored = desk.journal.read_text()
    assert CANARY not in stored and "********" in begin["plan"]["cli"] and "hello" not in json.dumps(end)
    assert stat.S_IMODE(desk.journal.stat().st_mode) == 0o600


def test_all_done_is_zero_and_the_text_has_a_block_for_each_host(desk: Desk) -> None:
    done = desk.run("box1", "box2", "--yes", "--", "printf '%s\\n' 'a  b' \"it's\"; printf '\\033[31mred\\n'")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:3] for line in lines if line.startswith("box")] == [
        ["box1", "exit", "0"],
        ["box2", "exit", "0"],
    ]
    assert lines[1:4] == ["  a  b", "  it's", "  red"] and "\033" not in done.stdout
    assert "Done on 2 of 2 hosts." in done.stderr and "(2 of 2)" in done.stderr


def test_lines_are_printed_as_they_arrive_behind_their_host(desk: Desk, tmp_path: Path) -> None:
    """The hosts wait until the first line is here, so that it does not come with the result."""
    mark = tmp_path / "seen"
    text = f"printf 'one\\n\\n  two\\033[31m\\n'; echo bad >&2; while [ ! -e {mark} ]; do sleep 0.05; done; exit 3"
    process = begun(desk, "box1", "box2", "--prefix", "--yes", "--at-a-time", "1", "--", text)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first == "box1: one\n"
    mark.touch()
    assert process.stderr is not None
    rest, errors = process.stdout.read(), process.stderr.read()
    process.wait(30)
    assert (first + rest).splitlines() == [
        f"{name}: {line}" for name in ("box1", "box2") for line in ("one", "", "  two")
    ]
    assert "box1: ! bad" in errors.splitlines() and "box2: exit 3" in errors and process.returncode == 1
    done = desk.run("box1", "--prefix", "--yes", "-o", "json", "--", "echo one")
    assert [each["output"] for each in json.loads(done.stdout)] == [["one"]]


def test_a_reader_that_leaves_ends_the_run(desk: Desk) -> None:
    process = begun(desk, "box1", "--prefix", "--yes", "--", "while echo more; do sleep 0.2; done")
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "box1: more\n"
    process.stdout.close()
    process.wait(20)
    assert process.stderr.read().count("Traceback") == 0


def test_failures_of_one_kind_give_their_code(desk: Desk) -> None:
    assert desk.run("shut", "--yes", "--", "true").returncode == 5
    assert desk.run("odd", "--yes", "--", "true").returncode == 4
    late = desk.run("box1", "--yes", "--time-limit", "1s", "--", "sleep 4")
    assert late.returncode == 8 and "took longer than 1 s" in late.stderr


def test_nothing_runs_without_a_yes_or_in_a_session_that_is_read_only(desk: Desk, tmp_path: Path) -> None:
    mark = tmp_path / "touched"
    refused = desk.run("box1", "--", f"touch {mark}")
    assert refused.returncode == 2 and "needs confirmation" in refused.stderr and f"touch {mark}" in refused.stderr
    assert desk.run("box1", "--yes", "--read-only", "--", f"touch {mark}").returncode == 4
    planned = desk.run("box1", "box2", "--plan", "--", f"touch {mark}")
    assert planned.returncode == 0 and f"Command: touch {mark}" in planned.stdout and "box1, box2" in planned.stdout
    assert not mark.exists()


def test_what_cannot_be_run_is_refused_before_anything_is_dialled(desk: Desk) -> None:
    assert desk.run("box1", "--yes").returncode == 2
    assert desk.run("box1", "--yes", "--", " ").returncode == 2
    assert desk.run("--yes", "--", "true").returncode == 2
    assert desk.run("box1;reboot", "--yes", "--", "true").returncode == 7
    assert desk.run("box1", "--yes", "--", "echo \x1b[2J").returncode == 7
    assert desk.run("box1", "--yes", "--", "x" * 4001).returncode == 7
    assert desk.run("box1", "--yes", "--at-a-time", "65", "--", "true").returncode == 7
    many = "\n".join(f"box{number}" for number in range(501))
    assert desk.run("-", "--yes", "--", "true", stdin=many).returncode == 2


def test_hosts_come_from_stdin_too(desk: Desk) -> None:
    done = desk.run("-", "--yes", "-o", "name", "--", "true", stdin="box1 # the first\n\nbox2\nbox1\n")
    assert done.returncode == 0 and done.stdout.split() == ["box1", "box2"], done.stderr


def test_failures_stop_what_has_not_begun(desk: Desk) -> None:
    words = [f"box{number}" for number in range(1, 7)]
    done = desk.run(*words, "--yes", "--at-a-time", "1", "--stop-after", "2", "-o", "json", "--", "exit 9")
    assert [each["result"] for each in json.loads(done.stdout)] == ["failed"] * 2 + ["not-begun"] * 4
    assert done.returncode == 1 and '"code": "NotBegun"' in done.stderr


def begun(desk: Desk, *words: str) -> subprocess.Popen[str]:
    return Forked(
        [sys.executable, "-m", "edgewright", "site", "run", *words], stdin=subprocess.DEVNULL, text=True, env=desk.env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def wait_for(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_first_interrupt_begins_no_further_host_and_the_second_ends_all(desk: Desk, tmp_path: Path) -> None:
    text = f"touch {tmp_path}/begun.$$; sleep 2; echo finished"
    process = begun(desk, "box1", "box2", "box3", "--yes", "--at-a-time", "1", "-o", "json", "--", text)
    wait_for(lambda: any(tmp_path.iterdir()))
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    found = json.loads(out)
    assert [each["result"] for each in found] == ["done", "not-begun", "not-begun"], errors
    assert found[0]["output"] == ["finished"] and process.returncode == 130

    for file in tmp_path.iterdir():
        file.unlink()
    text = f"touch {tmp_path}/begun.$$; echo so far; sleep 20"
    process = begun(desk, "box1", "box2", "box3", "--yes", "--at-a-time", "2", "-o", "json", "--", text)
    wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert time.monotonic() - sent < 10
    found = json.loads(out)
    assert [each["result"] for each in found] == ["ended", "ended", "not-begun"], errors
    assert found[0]["output"] == ["so far"] and "Traceback" not in errors and process.returncode == 130
    assert desk.entries()[-1]["end"]["facts"]["hosts"]["box1"]["result"] == "ended"
