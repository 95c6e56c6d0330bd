"""What a script on a host started is ended with it, also what it starts at the very moment in which the link ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from edgewright.clients.ssh.bundle.script import PRELUDE

SHELLS = [("sh",), *([("busybox", "ash")] if shutil.which("busybox") else [])]
OLD_SNAPSHOT = "below() { B=''; }\n"
"""The look for processes is over before the shell starts one."""


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("snapshot", ["", OLD_SNAPSHOT], ids=["seen", "started-since"])
@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[-1])
def test_all_that_runs_ends_with_stdin(shell: tuple[str, ...], snapshot: str) -> None:
    text = (
        f"Q=USR1\n{PRELUDE}{snapshot}exec 3<&0\n( ended $$ ) >/dev/null &\nsleep 300 & echo $!\n( sleep 300 ) | cat\n"
    )
    beside = subprocess.Popen(["sleep", "300"], stdin=subprocess.PIPE)
    process = subprocess.Popen(
        [*shell, "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(f"main() {{\n{text}}}\nmain\n".encode())
        process.stdin.flush()
        started = int(process.stdout.readline())
        assert is_running(started)
        process.stdin.close()
        end = time.monotonic() + 20
        while is_running(started) and time.monotonic() < end:
            time.sleep(0.02)
        assert not is_running(started)
        assert process.stdout.read() == b"", "nothing of it holds its output open"
        assert process.wait(20) == -9
        assert is_running(beside.pid)
    finally:
        beside.kill()
        beside.wait()
        process.kill()
        process.wait()
